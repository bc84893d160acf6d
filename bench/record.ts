// The recording proxy, compared with a minimal forward proxy on node:http and with mitmdump: responses of 1 KiB, 32
// connections.
import { type BenchOptions, type Finding, underLoad } from "./finding.ts";
import { compareUnderLoad, wrk } from "./load.ts";
import { node, recorder, recordingMitmdump, withPeers } from "./peers.ts";
import { hasProgram } from "./processes.ts";

export async function record(options: BenchOptions): Promise<Finding[]> {
	if (!hasProgram("wrk")) return [];
	const { folder } = options;
	return withPeers(options, async (run) => {
		const origin = await run((port) => node("server.mjs", port));
		const peers = {
			"node:http": await run((port) => node("forward-proxy.mjs", port)),
			flowtape: await run((port) => recorder(folder, port)),
			...(await recordingMitmdump(folder, run)),
		};
		const script = `wrk.path="http://127.0.0.1:${origin.port}/1k.txt"\nwrk.headers["Host"]="127.0.0.1:${origin.port}"\n`;
		const figures = await compareUnderLoad(peers, wrk(folder, script), options);
		return [
			underLoad("record", "node:http", "1.3, goal 1.5", figures),
			...(figures.mitmdump ? [underLoad("record", "mitmdump", "15, goal 25", figures)] : []),
		];
	});
}
