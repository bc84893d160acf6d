// The recording proxy against the shortest forward proxy of node:http and against mitmdump: 1 KiB responses, 32 connections.
import { join } from "node:path";
import { type BenchOptions, type Finding, underLoad } from "./finding.ts";
import { compareUnderLoad } from "./load.ts";
import { flowtape, freePort, hasProgram, mitmdump, type Running, start } from "./processes.ts";

export async function record({ folder, rounds, seconds }: BenchOptions): Promise<Finding[]> {
	if (!hasProgram("wrk")) return [];
	const origin = await freePort();
	const running: Running[] = [await start([process.execPath, "bench/yardsticks/server.mjs", String(origin)], origin)];
	const peers: Record<string, Running> = {};
	const add = async (name: string, command: (port: number) => string[]) => {
		const port = await freePort();
		const peer = await start(command(port), port, { FLOWTAPE_HOME: join(folder, "home") });
		peers[name] = peer;
		running.push(peer);
	};
	try {
		await add("node:http", (port) => [process.execPath, "bench/yardsticks/forward-proxy.mjs", String(port)]);
		await add("flowtape", (port) => [...flowtape, "record", join(folder, "record.tape"), "-q", "-p", String(port)]);
		if (mitmdump !== null) {
			const program = mitmdump;
			await add("mitmdump", (port) => [
				program,
				"-q",
				"-p",
				String(port),
				"--listen-host",
				"127.0.0.1",
				"-w",
				join(folder, "record.mitm"),
				"--set",
				`confdir=${folder}/mitm`,
			]);
		}
		const script = `wrk.path="http://127.0.0.1:${origin}/1k.txt"\nwrk.headers["Host"]="127.0.0.1:${origin}"\n`;
		const figures = compareUnderLoad(peers, { script, folder, rounds, seconds });
		return [underLoad("record", "node:http", "1.3, goal 1.5", figures), ...(figures.mitmdump ? [underLoad("record", "mitmdump", "15, goal 25", figures)] : [])];
	} finally {
		for (const process of running.reverse()) await process.stop();
	}
}
