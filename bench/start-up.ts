// What it costs to start: `flowtape --version` against an empty node.
import type { BenchOptions, Finding } from "./finding.ts";
import { flowtape, median, timed } from "./processes.ts";

export async function startUp({ folder, rounds }: BenchOptions): Promise<Finding[]> {
	const times = { flowtape: [] as number[], node: [] as number[] };
	for (let round = 0; round < rounds * 4; round++) {
		times.flowtape.push(timed([...flowtape, "--version"], { cwd: folder }));
		times.node.push(timed([process.execPath, "-e", "0"], { cwd: folder }));
	}
	const [ours, node] = [median(times.flowtape), median(times.node)];
	return [
		{
			name: "flowtape --version / node -e 0",
			ratio: ours / node,
			wanted: "at most 1.6",
			figures: `${(ours * 1000).toFixed(0)} ms, ${(node * 1000).toFixed(0)} ms`,
		},
	];
}
