// The recording proxy, compared with a minimal forward proxy on node:http and with mitmdump: responses of 1 KiB, 32
// connections. Also the cost of redaction: JSON of 2 KiB, and a request with a token.
import { type BenchOptions, type Finding, underLoad } from "./finding.ts";
import { compareUnderLoad, type LoadFigures, wrk } from "./load.ts";
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
		const redacting = {
			flowtape: await run((port) => recorder(folder, port, "--redact")),
			"without --redact": await run((port) => recorder(folder, port)),
		};
		const head = `wrk.headers["Host"]="127.0.0.1:${origin.port}"\n`;
		const json = `wrk.path="http://127.0.0.1:${origin.port}/items.json?page=2"\nwrk.headers["Authorization"]="Bearer f3b29c5178ad40e6"\n`;
		const script = `wrk.path="http://127.0.0.1:${origin.port}/1k.txt"\n${head}`;
		const figures = await compareUnderLoad(peers, wrk(folder, script), options);
		return [
			underLoad("record", "node:http", "1.3, goal 1.5", figures),
			...(figures.mitmdump ? [underLoad("record", "mitmdump", "15, goal 25", figures)] : []),
			...redaction(await compareUnderLoad(redacting, wrk(folder, json + head), options)),
		];
	});
}

function redaction(figures: Readonly<Record<string, LoadFigures>>): Finding[] {
	const ratio = underLoad("record --redact", "without --redact", "0.75", figures);
	const cost = (figures.flowtape?.cpuMicros ?? 0) - (figures["without --redact"]?.cpuMicros ?? 0);
	return [
		ratio,
		{
			...ratio,
			name: "record --redact: µs of CPU time more for each flow of 2 KiB",
			ratio: cost,
			wanted: "at most 40",
		},
	];
}
