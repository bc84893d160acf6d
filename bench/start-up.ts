// Start-up time of `flowtape --version` and of an import of the library, compared with an empty node script.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { BenchOptions, Finding } from "./finding.ts";
import { flowtape, median, timed } from "./processes.ts";

export async function startUp({ folder, rounds }: BenchOptions): Promise<Finding[]> {
	const times = { flowtape: [] as number[], node: [] as number[] };
	const imports = new Map(["index", "flow", "hooks"].map((name) => [name, [] as number[]]));
	for (let round = 0; round < rounds * 4; round++) {
		times.flowtape.push(timed([...flowtape, "--version"], { cwd: folder }));
		times.node.push(timed([process.execPath, "-e", "0"], { cwd: folder }));
		for (const [name, all] of imports)
			all.push(timed([process.execPath, "-e", `import(${JSON.stringify(fileOf(name))})`], { cwd: folder }));
	}
	const [ours, node] = [median(times.flowtape), median(times.node)];
	return [
		{
			name: "flowtape --version / node -e 0",
			ratio: ours / node,
			wanted: "at most 1.6",
			figures: `${(ours * 1000).toFixed(0)} ms, ${(node * 1000).toFixed(0)} ms`,
		},
		...[...imports].map(([name, all]) => ({
			name: `import of ${name === "index" ? "flowtape" : `flowtape/${name}`} / node -e 0`,
			ratio: median(all) / node,
			wanted: "at most 15 ms more",
			figures: `${((median(all) - node) * 1000).toFixed(0)} ms more than ${(node * 1000).toFixed(0)} ms`,
		})),
	];
}

/** The URL of a file that programs import. */
function fileOf(name: string): string {
	return pathToFileURL(resolve("dist", `${name}.js`)).href;
}
