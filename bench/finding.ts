// What a benchmark is given, and what it finds.
import type { LoadFigures } from "./load.ts";

export interface BenchOptions {
	/** A folder of the run's own, removed at the end. */
	folder: string;
	/** Rounds of which the median counts. */
	rounds: number;
	/** Seconds of load a round. */
	seconds: number;
	/** Flows of the offline corpus. */
	flows: number;
}

/** A ratio: how many times better than the yardstick, and what is wanted of it. */
export interface Finding {
	name: string;
	ratio: number;
	/** "at least" for speed-ups, "at most" for costs. */
	wanted: string;
	figures: string;
}

/** flowtape's rate over a peer's. */
export function underLoad(what: string, peer: string, wanted: string, figures: Readonly<Record<string, LoadFigures>>): Finding {
	const show = (name: string) =>
		`${name} ${figures[name]?.rate.toFixed(0)}/s at ${figures[name]?.cpuMicros.toFixed(0)} µs${figures[name]?.bad ? `, ${figures[name]?.bad} BAD` : ""}`;
	return {
		name: `${what}: flowtape / ${peer}`,
		ratio: (figures.flowtape?.rate ?? 0) / Math.max(figures[peer]?.rate ?? 0, 1),
		wanted: `at least ${wanted}`,
		figures: `${show("flowtape")}, ${show(peer)}`,
	};
}
