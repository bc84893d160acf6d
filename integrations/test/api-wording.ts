// The explanation of a miss in the words of this API: `match: { ignoreJson: ["/requestedAt"] }`.
import { REPLAY_PREFIX } from "../../api/live-options.ts";
import { camelCase } from "../../api/options.ts";
import { matchingOptions } from "../../src/hooks/server-replay.ts";
import type { ReplayOption } from "../../src/replay/explain/differences.ts";
import type { MissWording } from "../../src/replay/explain/wording.ts";

/** The words for users of `useTape`. */
export const apiWording: MissWording = {
	optionsText: matchOptionsText,
	ownServerHint:
		"Is this a server of the test itself? Requests to servers of this process and of its children pass unchanged while they listen.",
	streamedBodyHint: "record it again",
};

/** The options as the option `match`. */
function matchOptionsText(options: readonly ReplayOption[]): string {
	const values = new Map<string, string[]>();
	for (const { name, value } of options) {
		const key = camelCase(name.replace(REPLAY_PREFIX, ""));
		const text = value === true ? "true" : JSON.stringify(value);
		values.set(key, [...(values.get(key) ?? []), text]);
	}
	const isList = (key: string) => lists.has(key);
	const parts = [...values].map(([key, [first = "", ...more]]) =>
		isList(key) ? `${key}: [${[first, ...more].join(", ")}]` : `${key}: ${first}`,
	);
	return `match: { ${parts.join(", ")} }`;
}

/** The options that are lists. */
const lists: ReadonlySet<string> = new Set(
	Object.entries(matchingOptions)
		.filter(([, { type }]) => type === "sequence")
		.map(([name]) => camelCase(name.replace(REPLAY_PREFIX, ""))),
);
