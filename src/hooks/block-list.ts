// Blocks requests: answers with a status and an empty body, or closes the connection. Stored flows that match are
// dropped.
import { now as clock } from "../clock.ts";
import { FlowtapeError } from "../errors.ts";
import { type HttpFlow, KILLED } from "../flow/flow.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { HookContext } from "./context.ts";
import type { Decision } from "./decision.ts";
import type { Hook } from "./hook.ts";
import { makeResponse } from "./make-response.ts";
import { compileRuleFilter, splitRule } from "./rule.ts";

export const options = {
	block_list: {
		type: "sequence",
		default: [],
		metavar: "/FILTER/STATUS",
		help: "Answer matching requests with this status (444: close the connection) and an empty body. The first character is the separator.",
	},
} as const satisfies OptionTable;

const NAME = "block-list";
/** nginx's status for "close the connection without a response". */
const CLOSE_STATUS = 444;

/** @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER */
export async function createBlockList(
	{ block_list: texts }: OptionValues<typeof options>,
	context: HookContext,
): Promise<Hook | null> {
	if (texts.length === 0) return null;
	const { now = clock } = context;
	const rules = await Promise.all(
		texts.map(async (text) => {
			const [pattern = "", status = ""] = splitRule(text, 2, 2);
			return { text, filter: await compileRuleFilter(text, pattern, context), status: parseStatus(text, status) };
		}),
	);

	/** Checks all rules: the last match counts, unless one closes the connection. */
	function block(flow: HttpFlow, decision: Decision): void {
		for (const { text, filter, status } of rules) {
			if (!filter.matches(flow)) continue;
			context.onChange?.(text);
			flow.metadata.blocklisted = true;
			if (status === CLOSE_STATUS) {
				flow.response = null;
				decision.abort(KILLED, NAME);
				return;
			}
			// so that the filters of later rules see the response that a client would get
			flow.response = makeResponse(status, [], Buffer.alloc(0), now());
		}
		if (flow.response !== null) decision.answer(flow.response, NAME);
	}

	function drop(flow: HttpFlow, decision: Decision): void {
		const rule = decision.verdict === null ? rules.find(({ filter }) => filter.matches(flow)) : undefined;
		if (rule === undefined) return;
		context.onChange?.(rule.text);
		decision.drop(NAME);
	}

	return {
		name: NAME,
		leavesRequest: true,
		needs: { request: rules.some(({ filter }) => filter.needs.has("requestBody")) && "decides" },
		request: (flow, decision) => (decision.live ? block(flow, decision) : drop(flow, decision)),
		response: (flow, decision) => {
			if (!decision.live) drop(flow, decision);
		},
		error: (flow, decision) => {
			if (!decision.live) drop(flow, decision);
		},
	};
}

function parseStatus(text: string, written: string): number {
	const status = /^\s*([2-9]\d\d)\s*$/.exec(written)?.[1];
	if (status === undefined)
		throw new FlowtapeError(
			"FT_BAD_OPTION",
			`"${text}": expected a status from 200 to 999 in the second part, not "${written}"`,
		);
	return Number(status);
}
