// `diff`: compares two recordings of the same scenario.
import type { Format } from "../formats/index.ts";
import type { FlowDifference } from "../src/compare/differences.ts";
import type { IsIgnored, options as ignoreOptions } from "../src/compare/ignore.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { HttpFlow } from "../src/flow/flow.ts";
import type { PartialOptions } from "./options.ts";
import { httpFlowsOf, type Source } from "./source.ts";
import { filterOf } from "./tape.ts";
import { TroubleLog, type TroubleOptions } from "./trouble.ts";

/**
 * Options of `diff`. `ignore` lists parts that may vary: `header:etag`, `query:ts`, `cookie:sid`, `form:nonce`,
 * `json:/user/id`; default: none.
 */
export interface DiffOptions extends PartialOptions<typeof ignoreOptions>, TroubleOptions {
	/** Compare only flows that match: an expression (docs/filters.md) or a compiled filter. Default: all. */
	readonly filter?: string | Filter | undefined;
	/** Custom formats, made by `defineFormat`. */
	readonly formats?: readonly Format[] | undefined;
	/** Aborts the comparison, which then throws the signal's reason. */
	readonly signal?: AbortSignal | undefined;
}

const OWN: readonly (keyof DiffOptions)[] = ["filter", "formats", "signal", "strict", "onTrouble"];

/**
 * A difference between two recordings: a flow whose request or response changed, a flow that is missing in the second
 * (`gone`), or a `new` one.
 */
export type FlowChange =
	| {
			readonly kind: "changed";
			readonly flow: HttpFlow;
			readonly before: HttpFlow;
			readonly differences: readonly FlowDifference[];
	  }
	| { readonly kind: "gone" | "new"; readonly flow: HttpFlow };

/**
 * Compares the HTTP flows of two recordings, paired by their requests. Yields changed flows first, then those that are
 * gone, then new ones; nothing if the recordings are equal. All HTTP flows of both sources are held in memory.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, and as `openTape`; the signal's reason if it is aborted
 */
export async function* diff(
	before: Source,
	after: Source,
	options: DiffOptions = {},
): AsyncGenerator<FlowChange, void, undefined> {
	const { optionValues } = await import("./options.ts");
	const { compileIgnore, options: table } = await import("../src/compare/ignore.ts");
	const { filter, formats, signal } = options;
	const { ignore } = optionValues(table, options, { verb: "diff", others: OWN });
	const ignored = compileIgnore(ignore);
	const reading = { report: new TroubleLog(options).reportInput, filter: await filterOf(filter), formats, signal };
	const { differences } = await compareRecordings(
		await httpFlowsOf(before, reading),
		await httpFlowsOf(after, reading),
		ignored,
	);
	for (const difference of differences) {
		signal?.throwIfAborted();
		yield difference;
	}
}

/** The number of flows that are in both recordings, and the differences. */
export async function compareRecordings(
	before: readonly HttpFlow[],
	after: readonly HttpFlow[],
	ignored: IsIgnored,
): Promise<{ paired: number; differences: Iterable<FlowChange> }> {
	const { align } = await import("../src/compare/align.ts");
	const { flowDifferences } = await import("../src/compare/differences.ts");
	const { defaultRequestKey } = await import("../src/replay/match/key.ts");
	const { pairs, removed, added } = align(before, after, defaultRequestKey);
	function* differences(): Generator<FlowChange> {
		for (const pair of pairs) {
			const found = flowDifferences(pair.before, pair.after, ignored);
			if (found.length > 0) yield { kind: "changed", flow: pair.after, before: pair.before, differences: found };
		}
		for (const flow of removed) yield { kind: "gone", flow };
		for (const flow of added) yield { kind: "new", flow };
	}
	return { paired: pairs.length, differences: differences() };
}
