// The p99 latency of the recording proxy at half of the maximum rate of a minimal node:http proxy, compared with that
// proxy.
import type { BenchOptions, Finding } from "./finding.ts";
import { hey } from "./load.ts";
import { node, recorder, withPeers } from "./peers.ts";
import { hasProgram, median } from "./processes.ts";

export async function latency(options: BenchOptions): Promise<Finding[]> {
	if (!hasProgram("hey")) return [];
	const { folder, rounds, seconds } = options;
	return withPeers(options, async (run) => {
		const origin = await run((port) => node("server.mjs", port));
		const peers = {
			ours: await run((port) => recorder(folder, port)),
			theirs: await run((port) => node("forward-proxy.mjs", port)),
		};
		const url = `http://127.0.0.1:${origin.port}/1k.txt`;
		hey(peers.ours.port, url, 1);
		const half = median(Array.from({ length: rounds }, () => hey(peers.theirs.port, url, seconds).rate)) / 2;
		const p99 = { ours: [] as number[], theirs: [] as number[] };
		for (let round = 0; round < rounds; round++)
			for (const peer of ["ours", "theirs"] as const)
				p99[peer].push(hey(peers[peer].port, url, seconds, half).p99Millis);
		const [ours, theirs] = [median(p99.ours), median(p99.theirs)];
		return [
			{
				name: "record, p99 at half load: flowtape / node:http",
				ratio: ours / theirs,
				wanted: "at most 1.5, goal 1",
				figures: `${ours.toFixed(1)} ms, ${theirs.toFixed(1)} ms at ${half.toFixed(0)}/s`,
			},
		];
	});
}
