// The rules of the option `redact`, as options of the recording.
import { FlowtapeError } from "../../src/errors.ts";
import type { OptionValues } from "../../src/options.ts";
import type { options } from "../../src/redact/options.ts";

type RedactionValues = OptionValues<typeof options>;

/** A rule begins with its kind: `header:X-Key`, `json:/user/email`; or it is one word. */
const RULE = /^(?:(header|param|cookie|json|body|keep|env):(.+)|pii|strict)$/s;

/**
 * The options of a test's rules, added to those of the project.
 * @param rules none: the default rules alone; null: the test has no rules
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function redactionValues(rules: readonly string[] | null, project: RedactionValues): Partial<RedactionValues> {
	if (rules === null && !project.redact) return {};
	// sessions are names of tests or contexts; without them, a replay could not tell whose the recordings are
	const redact_keep = ["session", ...project.redact_keep];
	const values: Record<string, unknown> = { ...project, redact: true, redact_keep };
	for (const rule of rules ?? []) {
		const [, kind = rule, value] = RULE.exec(rule) ?? unknownRule(rule);
		const name = `redact_${kind}`;
		values[name] = value === undefined ? true : [...(values[name] as string[]), value];
	}
	return Object.fromEntries(Object.entries(values).filter(([name]) => /^redact(?:_|$)/.test(name)));
}

function unknownRule(rule: string): never {
	throw new FlowtapeError(
		"FT_BAD_OPTION",
		`redact: expected header:, param:, cookie:, json:, body:, keep: or env: with a value, or pii or strict, found "${rule}"`,
	);
}
