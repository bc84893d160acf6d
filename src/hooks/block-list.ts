// Blocks requests: answers with a status and nothing else, or hangs up. Of stored flows it leaves out those it would have blocked.
import { FlowtapeError } from "../errors.ts";
import { type HttpFlow, KILLED } from "../flow/flow.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { clock, type HookContext } from "./context.ts";
import type { Decision } from "./decision.ts";
import type { Hook } from "./hook.ts";
import { makeResponse } from "./make-response.ts";
import { compileRuleFilter, splitRule } from "./rule.ts";

export const options = {
	block_list: {
		type: "sequence",
		default: [],
		metavar: "/FILTER/STATUS",
		help: "Answer matching requests with this status and an empty body; 444 hangs up. The first character is the separator.",
	},
} as const satisfies OptionTable;

const NAME = "block-list";
/** nginx's way to say "no answer at all". */
const HANG_UP = 444;

/** @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER */
export async function createBlockList({ block_list: texts }: OptionValues<typeof options>, context: HookContext): Promise<Hook | null> {
	if (texts.length === 0) return null;
	const { now = clock } = context;
	const rules = await Promise.all(
		texts.map(async (text) => {
			const [pattern = "", status = ""] = splitRule(text, 2, 2);
			return { text, filter: await compileRuleFilter(text, pattern, context), status: parseStatus(text, status) };
		}),
	);

	/** Every rule is asked: the last that matches has its way, and one that hangs up before all others. */
	function block(flow: HttpFlow, decision: Decision): void {
		for (const { text, filter, status } of rules) {
			if (!filter.matches(flow)) continue;
			context.onChange?.(text);
			flow.metadata.blocklisted = true;
			if (status === HANG_UP) {
				flow.response = null;
				decision.abort(KILLED, NAME);
				return;
			}
			// so that the filters of later rules see what a client would
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
		needs: { request: rules.some(({ filter }) => filter.needs.has("requestBody")) },
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
	if (status === undefined) throw new FlowtapeError("FT_BAD_OPTION", `"${text}": a status from 200 to 999 was expected in the second part, not "${written}"`);
	return Number(status);
}
