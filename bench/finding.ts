// The options and the results of a benchmark.
import type { LoadFigures } from "./load.ts";

export interface BenchOptions {
	/** A folder for this run, removed at the end. */
	folder: string;
	/** Number of rounds; the median counts. */
	rounds: number;
	/** Seconds of load per round. */
	seconds: number;
	/** Number of flows in the offline corpus. */
	flows: number;
}

/** A result: the ratio to the baseline, and its target. */
export interface Finding {
	name: string;
	ratio: number;
	/** Target for the ratio: "at least …" for speed-ups, "at most …" for costs. */
	wanted: string;
	figures: string;
}

/** The ratio of flowtape's rate to a peer's. */
export function underLoad(
	what: string,
	peer: string,
	wanted: string,
	figures: Readonly<Record<string, LoadFigures>>,
): Finding {
	const show = (name: string) =>
		`${name} ${figures[name]?.rate.toFixed(0)}/s at ${figures[name]?.cpuMicros.toFixed(0)} µs${figures[name]?.bad ? `, ${figures[name]?.bad} BAD` : ""}`;
	return {
		name: `${what}: flowtape / ${peer}`,
		ratio: (figures.flowtape?.rate ?? 0) / Math.max(figures[peer]?.rate ?? 0, 1),
		wanted: `at least ${wanted}`,
		figures: `${show("flowtape")}, ${show(peer)}`,
	};
}
