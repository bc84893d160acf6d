// The recording proxy with TLS on both sides, compared with mitmdump and mockttp, on persistent connections; and new
// connections, compared with mitmdump.
import { join } from "node:path";
import { writeCertificate } from "./certificate.ts";
import { connectAnew } from "./connections.ts";
import { type BenchOptions, type Finding, underLoad } from "./finding.ts";
import { compareUnderLoad, wrk } from "./load.ts";
import { node, type Run, recorder, recordingMitmdump, withPeers } from "./peers.ts";
import { hasProgram, type Running } from "./processes.ts";

export async function tls(options: BenchOptions): Promise<Finding[]> {
	return withPeers(options, async (run) => {
		const origin = await run((port) => node("server.mjs", port, writeCertificate(options.folder)));
		return [
			...(hasProgram("wrk") ? await intercepted(options, origin, run) : []),
			...(await anew(options, origin, run)),
		];
	});
}

/**
 * Uses reverse mode, because wrk does not support CONNECT; the work after CONNECT is the same. mockttp routes requests
 * over TLS by their Host field.
 */
async function intercepted(options: BenchOptions, origin: Running, run: Run): Promise<Finding[]> {
	const { folder } = options;
	const reverse = ["--mode", `reverse:https://127.0.0.1:${origin.port}`, "--ssl-insecure"];
	const peers: Record<string, Running> = {
		flowtape: await run((port) => recorder(folder, port, ...reverse)),
		...(await recordingMitmdump(folder, run, ...reverse)),
		...(process.env.MOCKTTP
			? { mockttp: await run((port) => node("mockttp.mjs", port, join(folder, "home", "flowtape-ca.pem"))) }
			: {}),
	};
	const script = `wrk.path="/1k.txt"\nwrk.headers["Host"]="127.0.0.1:${origin.port}"\n`;
	const figures = await compareUnderLoad(peers, wrk(folder, script, "https"), options);
	const wanted = { mitmdump: "8", mockttp: "2" };
	return Object.entries(wanted).flatMap(([peer, times]) =>
		peer in peers ? [underLoad("record, TLS on both sides", peer, times, figures)] : [],
	);
}

/** New connections. One flowtape sees the same host in every ClientHello, the other a new host each time. */
async function anew(options: BenchOptions, origin: Running, run: Run): Promise<Finding[]> {
	const { folder } = options;
	const stranger = await run((port) => recorder(folder, port, "--ssl-insecure"));
	const peers = {
		flowtape: await run((port) => recorder(folder, port, "--ssl-insecure")),
		stranger,
		...(await recordingMitmdump(folder, run, "--ssl-insecure")),
	};
	let hosts = 0;
	const name = (peer: Running) => () => (peer === stranger ? `host${++hosts}.test` : "known.test");
	const figures = await compareUnderLoad(
		peers,
		(peer, seconds) => connectAnew(peer.port, origin.port, seconds, name(peer)),
		options,
	);
	const [known, strange] = [figures.flowtape?.cpuMicros ?? Number.NaN, figures.stranger?.cpuMicros ?? Number.NaN];
	return [
		...(figures.mitmdump ? [underLoad("record, new TLS connections", "mitmdump", "3", figures)] : []),
		{
			name: "CPU of a TLS connection, new host / known host",
			ratio: strange / known,
			wanted: "at most 2",
			figures: `${strange.toFixed(0)} µs at ${figures.stranger?.rate.toFixed(0)}/s, ${known.toFixed(0)} µs at ${figures.flowtape?.rate.toFixed(0)}/s`,
		},
	];
}
