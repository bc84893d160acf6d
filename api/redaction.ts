// Creates the redactor of a command or program from its options, the environment and the key.
import { FlowtapeError } from "../src/errors.ts";
import { defaults, kebab, type OptionValues } from "../src/options.ts";
import { options } from "../src/redact/options.ts";
import type { Redactor, RedactorOptions } from "../src/redact/redactor.ts";
import type { OnApply } from "../src/redact/rules.ts";

interface RedactionReport extends Pick<RedactorOptions, "onRedact" | "onLoss"> {
	/** Called with each rule of the options that applies for the first time. */
	onApply?: OnApply | undefined;
	/** Whether a missing key is created for all later runs; default: yes. */
	createsKey?: boolean;
}

/** The warning for a tape without a note. */
export const UNNOTED = "its format cannot record that it was redacted, so replay from a .tape, which can";

/**
 * The redactor; null without the option `redact`.
 * @throws FlowtapeError FT_BAD_OPTION for options that need `redact`, or are not rules; FT_BAD_PATTERN; FT_IO for the key
 */
export async function createRedactor(
	values: OptionValues<typeof options>,
	env: NodeJS.ProcessEnv,
	{ onApply, createsKey = true, ...report }: RedactionReport,
): Promise<Redactor | null> {
	if (!values.redact) {
		for (const [name, value] of Object.entries(defaults(options)))
			if (String(values[name as keyof typeof options]) !== String(value))
				throw new FlowtapeError("FT_BAD_OPTION", "it adds to what --redact replaces, so --redact must be given too", {
					option: kebab(name),
				});
		return null;
	}
	const [{ isSearchable, Redactor }, { compileRules }, { redactionKey }] = await Promise.all([
		import("../src/redact/redactor.ts"),
		import("../src/redact/rules.ts"),
		import("./redaction-key.ts"),
	]);
	const rules = compileRules(values, onApply);
	for (const name of values.redact_env) if (isSearchable(env[name])) onApply?.(name, "redact_env");
	const key = await redactionKey(env, { create: createsKey });
	return new Redactor({ ...report, rules, key, shape: values.redact_shape, env, envNames: values.redact_env });
}
