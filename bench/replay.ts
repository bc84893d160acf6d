// Replay of 1,000 recordings of 1 KiB and of many more, compared with a node:http server that sends the same bytes.
// Replay of the 1,000 is also compared with mitmdump.
import { join } from "node:path";
import { createTape } from "../formats/index.ts";
import { clientConnection, serverConnection } from "../src/flow/connection.ts";
import { HttpFlow } from "../src/flow/flow.ts";
import { Headers } from "../src/flow/headers.ts";
import { Request, Response } from "../src/flow/message.ts";
import { type BenchOptions, type Finding, underLoad } from "./finding.ts";
import { compareUnderLoad, wrk } from "./load.ts";
import { node, type Run, withPeers } from "./peers.ts";
import { flowtape, hasProgram, mitmdump, type Running } from "./processes.ts";

const FEW = 1000;
const HOST = "127.0.0.1:9000";

export async function replay(options: BenchOptions): Promise<Finding[]> {
	if (!hasProgram("wrk")) return [];
	return [...(await replayOf(FEW, options)), ...(await replayOf(options.flows * 2, options))];
}

async function replayOf(count: number, options: BenchOptions): Promise<Finding[]> {
	const { folder } = options;
	await writeRecordings(join(folder, "replay.tape"), count);
	await writeRecordings(join(folder, "replay.mitm"), Math.min(count, FEW));
	return withPeers(options, async (run) => {
		const peers = {
			"node:http": await run((port) => node("server.mjs", port)),
			flowtape: await run((port) => [
				...flowtape,
				"replay-server",
				join(folder, "replay.tape"),
				"-q",
				"-p",
				String(port),
				"--reuse",
			]),
			...(count === FEW && (await replayingMitmdump(folder, run))),
		};
		const script = `local i=0\nrequest=function() i=(i+7919)%${count}; return wrk.format("GET","http://${HOST}/f"..i..".txt",{Host="${HOST}"}) end`;
		const figures = await compareUnderLoad(peers, wrk(folder, script), options);
		const name = `replay of ${count.toLocaleString("en")}`;
		return [
			underLoad(name, "node:http", "0.8, goal 1.2", figures),
			...(figures.mitmdump ? [underLoad(name, "mitmdump", "50", figures)] : []),
		];
	});
}

/** Starts mitmdump, replaying. Returns an object without peers if mitmdump is not available. */
async function replayingMitmdump(folder: string, run: Run): Promise<{ mitmdump?: Running }> {
	if (mitmdump === null) return {};
	const program = mitmdump;
	const replayed = ["--server-replay", join(folder, "replay.mitm")];
	const settings = ["server_replay_reuse=true", "connection_strategy=lazy", `confdir=${folder}/mitm`];
	const options = settings.flatMap((setting) => ["--set", setting]);
	return {
		mitmdump: await run((port) => [
			program,
			"-q",
			"-p",
			String(port),
			"--listen-host",
			"127.0.0.1",
			...replayed,
			...options,
		]),
	};
}

async function writeRecordings(path: string, count: number): Promise<void> {
	const sink = await createTape(path, { report: () => {} });
	for (let i = 0; i < count; i++) {
		const at = 1_704_067_200 + i;
		await sink.append(
			new HttpFlow({
				id: `${i.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`,
				clientConn: clientConnection({
					id: `c${i}`,
					peername: ["127.0.0.1", 50000],
					sockname: ["127.0.0.1", 8080],
					timestampStart: at,
				}),
				serverConn: serverConnection({ id: `s${i}`, address: ["127.0.0.1", 9000] }),
				timestampCreated: at,
				request: new Request({
					method: "GET",
					scheme: "http",
					host: "127.0.0.1",
					port: 9000,
					path: `/f${i}.txt`,
					headers: Headers.of(["Host", HOST]),
					timestampStart: at,
					timestampEnd: at,
				}),
				response: new Response({
					statusCode: 200,
					reason: "OK",
					headers: Headers.of(
						["content-type", "text/plain"],
						["date", "Mon, 01 Jan 2024 00:00:00 GMT"],
						["content-length", "1024"],
					),
					body: Buffer.alloc(1024, "x"),
					timestampStart: at,
					timestampEnd: at,
				}),
			}),
		);
	}
	await sink.close();
}
