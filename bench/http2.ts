// The recording proxy with HTTP/2 on both sides, compared with a minimal proxy on node:http2 and with mitmdump:
// responses of 1 KiB, 32 connections with 10 streams each.
import { writeCertificate } from "./certificate.ts";
import { type BenchOptions, type Finding, underLoad } from "./finding.ts";
import { compareUnderLoad, h2load } from "./load.ts";
import { node, recorder, recordingMitmdump, withPeers } from "./peers.ts";
import { hasProgram } from "./processes.ts";

export async function http2(options: BenchOptions): Promise<Finding[]> {
	if (!hasProgram("h2load")) return [];
	const { folder } = options;
	return withPeers(options, async (run) => {
		const certificate = writeCertificate(folder);
		const origin = await run((port) => node("http2-server.mjs", port, certificate));
		const reverse = ["--mode", `reverse:https://127.0.0.1:${origin.port}`, "--ssl-insecure"];
		const peers = {
			flowtape: await run((port) => recorder(folder, port, ...reverse)),
			"node:http2": await run((port) => node("http2-proxy.mjs", port, origin.port, certificate)),
			...(await recordingMitmdump(folder, run, ...reverse)),
		};
		const figures = await compareUnderLoad(peers, h2load("/1k.txt"), options);
		return [
			underLoad("record, HTTP/2", "node:http2", "0.7, goal 1", figures),
			...(figures.mitmdump ? [underLoad("record, HTTP/2", "mitmdump", "8", figures)] : []),
		];
	});
}
