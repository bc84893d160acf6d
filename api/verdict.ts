// Decides whether a run failed: by the number of misses, unused recordings and connections to servers.
import { FlowtapeError } from "../src/errors.ts";
import type { OptionTable, OptionValues } from "../src/options.ts";
import type { RunReport } from "./run-events.ts";

export const options = {
	fail_on: {
		type: "sequence",
		default: [],
		metavar: "miss|unused|egress",
		help: "End with status 1 on miss, unused or egress. miss: a request without a recording; unused: a recording that never answered; egress: an attempt to connect to a server. Separate several with commas.",
	},
	max_miss: {
		type: "integer",
		default: null,
		min: 0,
		metavar: "N",
		help: "End with status 1 after more than N misses.",
	},
} as const satisfies OptionTable;

const KINDS = ["miss", "unused", "egress"] as const;

/**
 * The kind of a failure: a request without a recording, a recording that never answered, an attempt to connect to a
 * server.
 */
export type FailureKind = (typeof KINDS)[number];

/** A reason why a run failed. */
export interface Failure {
	readonly kind: FailureKind;
	/** The reason in one sentence. */
	readonly message: string;
}

/** The counts that decide. */
export type RunCounts = Pick<RunReport, "missed" | "unused" | "egress">;

export class Verdict {
	readonly #failOn: ReadonlySet<FailureKind>;
	readonly #allowed: number | null;

	/** @throws FlowtapeError FT_BAD_OPTION */
	constructor({ fail_on: words, max_miss: allowed }: OptionValues<typeof options>) {
		this.#failOn = kindsOf(words);
		this.#allowed = allowed;
	}

	/** The failures of a run; empty: it did not fail. */
	failuresOf({ missed, unused, egress }: RunCounts): Failure[] {
		const allowed = this.#allowed;
		const attempts = [...egress.values()].reduce((sum, count) => sum + count, 0);
		const failures: Failure[] = [];
		if (allowed !== null ? missed > allowed : this.#failOn.has("miss") && missed > 0)
			failures.push({
				kind: "miss",
				message: `${missed} ${missed === 1 ? "request was" : "requests were"} missed${allowed === null ? "" : `, at most ${allowed} allowed`}`,
			});
		if (this.#failOn.has("unused") && unused > 0)
			failures.push({
				kind: "unused",
				message: `${unused} ${unused === 1 ? "recording was" : "recordings were"} never used`,
			});
		if (this.#failOn.has("egress") && attempts > 0)
			failures.push({
				kind: "egress",
				message: `the proxy tried to connect to servers: ${[...egress].map(([where, count]) => `${where} (${count})`).join(", ")}`,
			});
		return failures;
	}
}

function kindsOf(words: readonly string[]): Set<FailureKind> {
	const kinds = words.flatMap((word) => word.split(",")).map((word) => word.trim());
	for (const kind of kinds)
		if (!KINDS.includes(kind as FailureKind))
			throw new FlowtapeError("FT_BAD_OPTION", `expected one of ${KINDS.join(", ")}, found "${kind}"`, {
				option: "fail_on",
			});
	return new Set(kinds as FailureKind[]);
}
