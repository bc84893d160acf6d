// Answers requests that browsers make by themselves: update checks, captive portal tests, telemetry, favicons.
import { now as clock } from "../clock.ts";
import { requestFlow } from "../flow/request-flow.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";
import { makeResponse } from "./make-response.ts";

export const options = {
	browser_noise: {
		type: "string",
		choices: ["answer", "record"],
		default: "answer",
		help: "How to treat requests that browsers make by themselves: answer them without recording them, or record them like others.",
	},
} as const satisfies OptionTable;

const NAME = "browser-noise";

/** null: such requests are treated like others. */
export async function createBrowserNoise(
	{ browser_noise: policy }: OptionValues<typeof options>,
	{ now = clock, passes }: HookContext,
): Promise<Hook | null> {
	if (policy === "record") return null;
	const { noiseRuleFor } = await import("./browser-noise/rules.ts");
	return {
		name: NAME,
		claims: (request) => noiseRuleFor(request) !== null && passes?.(requestFlow(request)) !== true,
		liveOnly: true,
		leavesRequest: true,
		request({ request }, decision) {
			const rule = noiseRuleFor(request);
			if (rule === null) return;
			const { status, type, body = "" } = rule;
			const fields = type === undefined ? [] : [["content-type", type] as const];
			decision.answer(makeResponse(status, fields, Buffer.from(body), now()), NAME);
		},
	};
}
