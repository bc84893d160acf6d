// `scan`: finds what looks like a secret in stored flows.
import type { Format } from "../formats/index.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { OptionTable } from "../src/options.ts";
import type { RedactionValues, ruleOptions } from "../src/redact/options.ts";
import type { Finding, Scanner } from "../src/redact/scanner.ts";
import type { Confidence } from "../src/redact/span.ts";
import type { PartialOptions } from "./options.ts";
import { openSource, type Source } from "./source.ts";
import { filterOf } from "./tape.ts";
import { TroubleLog, type TroubleOptions } from "./trouble.ts";

/** The option for the certainty of findings, of the command and of programs. */
export const confidenceOption = {
	min_confidence: {
		type: "string",
		default: "low",
		choices: ["high", "medium", "low"],
		help: "Leave out less certain findings. high: by its place or a known format; medium: by a name in text, or a cookie; low: only by its randomness.",
	},
} as const satisfies OptionTable;

/** Options of `scan`: rules of `flowtape scan` in camelCase (docs/options.md), and the following. */
export interface ScanOptions extends PartialOptions<typeof ruleOptions & typeof confidenceOption>, TroubleOptions {
	/** Reads only flows that match: an expression (docs/filters.md) or a compiled filter. Default: all. */
	readonly filter?: string | Filter | undefined;
	/**
	 * Environment variables, in which `FLOWTAPE_REDACT_KEY` or a file in `FLOWTAPE_HOME` is the key of the fingerprints.
	 * Default: none; then the fingerprints of each call are different.
	 */
	readonly env?: NodeJS.ProcessEnv | undefined;
	/** Custom formats, made by `defineFormat`. */
	readonly formats?: readonly Format[] | undefined;
	/** Stops when it is aborted: the call throws the signal's reason. */
	readonly signal?: AbortSignal | undefined;
}

const OWN: readonly (keyof ScanOptions)[] = ["filter", "env", "formats", "signal", "strict", "onTrouble"];

/** The result of `scan`. */
export interface ScanReport {
	/** Number of flows that were read. */
	readonly flows: number;
	/** One finding for each secret, in the order of the flows. No finding holds its secret. */
	readonly findings: readonly Finding[];
	/** Damaged parts of the source that were skipped. */
	readonly damaged: number;
}

/**
 * Finds what looks like a secret in the flows of a source. Placeholders of redacted tapes do not count.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_IO for the key, and as `openTape`; the signal's
 * reason if it is aborted
 */
export async function scan(source: Source, options: ScanOptions = {}): Promise<ScanReport> {
	const { filter, env, formats, signal } = options;
	signal?.throwIfAborted();
	const { optionValues } = await import("./options.ts");
	const { ruleOptions } = await import("../src/redact/options.ts");
	const values = optionValues({ ...ruleOptions, ...confidenceOption }, options, { verb: "scan", others: OWN });
	const { randomKey, redactionKey } = await import("./redaction-key.ts");
	const key = env === undefined ? randomKey() : await redactionKey(env, { create: false });
	const scanner = await createScanner(values, key, values.min_confidence);
	const troubles = new TroubleLog(options);
	const { closeSources, RecoveringSource } = await import("./copy-flows.ts");
	const report = troubles.reportInput;
	const sources = await openSource(source, { report, filter: await filterOf(filter), formats, isConfidential: true });
	try {
		for (const one of sources)
			for await (const batch of new RecoveringSource(one, troubles.reportInput)) {
				signal?.throwIfAborted();
				for (const flow of batch) scanner.add(flow);
			}
	} finally {
		await closeSources(sources);
	}
	return { flows: scanner.flows, findings: scanner.findings, damaged: troubles.damaged };
}

/** @throws FlowtapeError FT_BAD_OPTION, FT_BAD_PATTERN */
export async function createScanner(values: RedactionValues, key: Buffer, minConfidence: Confidence): Promise<Scanner> {
	const { Scanner } = await import("../src/redact/scanner.ts");
	const { Placeholders } = await import("../src/redact/placeholders.ts");
	const { compileRules } = await import("../src/redact/rules.ts");
	return new Scanner({
		rules: compileRules(values),
		placeholders: new Placeholders(key),
		minConfidence,
	});
}
