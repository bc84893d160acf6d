// The rules of the option `redact`, as options of the recording.
import { FlowtapeError } from "../../src/errors.ts";
import { defaults, type OptionValues } from "../../src/options.ts";
import { options } from "../../src/redact/options.ts";

/** A rule begins with its kind: `header:X-Key`, `json:/user/email`; or it is one word. */
const RULE = /^(?:(header|param|cookie|json|body|keep|env):(.+)|pii|strict)$/s;

/**
 * The options for rules; none: the default rules alone.
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function redactionValues(rules: readonly string[]): OptionValues<typeof options> {
	// sessions are names of tests or contexts; without them, a replay could not tell whose the recordings are
	const values: Record<string, unknown> = { ...defaults(options), redact: true, redact_keep: ["session"] };
	for (const rule of rules) {
		const [, kind = rule, value] = RULE.exec(rule) ?? unknownRule(rule);
		const name = `redact_${kind}`;
		values[name] = value === undefined ? true : [...(values[name] as string[]), value];
	}
	return values as OptionValues<typeof options>;
}

function unknownRule(rule: string): never {
	throw new FlowtapeError(
		"FT_BAD_OPTION",
		`redact: expected header:, param:, cookie:, json:, body:, keep: or env: with a value, or pii or strict, found "${rule}"`,
	);
}
