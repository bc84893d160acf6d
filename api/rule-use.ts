// Tracks which of the given rules and edits have changed, answered or dropped a flow.
import { quoteInLine } from "../src/export/shell.ts";
import { kebab } from "../src/options.ts";
import { options as redactionOptions } from "../src/redact/options.ts";

/**
 * Options that are lists of rules. If a recording answers a request, a proxy does not apply the request rules of the
 * later options.
 */
const RULES_BEFORE_RECORDINGS = ["modify_headers", "block_list"] as const;
const RULES = [...RULES_BEFORE_RECORDINGS, "map_remote", "map_local", "modify_body"] as const;
/** The options of redaction that are lists of rules. */
const REDACTION = Object.entries(redactionOptions).flatMap(([name, { type }]) => (type === "sequence" ? [name] : []));
/** Options without rules. Each edits all stored flows that it applies to. */
const EDITS = ["set_status", "set_comment", "mark", "decode", "encode", "refresh"] as const;

type Values = Readonly<Record<string, unknown>>;

export class RuleUse {
	/** The unused rules by option, in kebab-case. An edit has one rule, the name of the option. */
	readonly #unused = new Map<string, Set<string>>();

	private constructor(values: Values, rules: readonly string[], edits: readonly string[]) {
		for (const name of rules) {
			const given = values[name];
			if (Array.isArray(given) && given.length > 0) this.#unused.set(kebab(name), new Set(given as string[]));
		}
		for (const name of edits)
			if ((values[name] ?? false) !== false) this.#unused.set(kebab(name), new Set([kebab(name)]));
	}

	/** The rules for a rewrite of stored flows. */
	static ofRewrite(values: Values): RuleUse {
		return new RuleUse(values, [...RULES, ...REDACTION], EDITS);
	}

	/** The rules of a proxy. `answers`: whether it answers from recordings. */
	static ofProxy(values: Values, { answers }: { answers: boolean }): RuleUse {
		return new RuleUse(values, [...(answers ? RULES_BEFORE_RECORDINGS : RULES), ...REDACTION], []);
	}

	/** Notes that a rule has applied; for an edit, `rule` is the option. */
	applied(rule: string, option: string = rule): void {
		this.#unused.get(kebab(option))?.delete(rule);
	}

	/** A line for each rule and edit that never applied. */
	get unusedTexts(): string[] {
		return [...this.#unused].flatMap(([option, rules]) =>
			[...rules].map((rule) => {
				const value = rule === option ? "" : ` ${quoteInLine(rule)}`;
				return `--${option}${value} never applied`;
			}),
		);
	}
}
