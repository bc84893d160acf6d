// Streamed bodies, which are larger than the limit for buffering: one at a time in both directions, compared with a
// minimal pipe on node:http.
import http from "node:http";
import { Readable } from "node:stream";
import type { BenchOptions, Finding } from "./finding.ts";
import { node, recorder, withPeers } from "./peers.ts";
import { median, type Running } from "./processes.ts";

/** Size of a body in MiB. */
const SIZE = { whole: 2048, short: 64 };
/** The bytes that a client writes at a time. */
const PIECE = Buffer.alloc(64 * 1024, "y");

type Direction = "download" | "upload";

export async function streams(options: BenchOptions): Promise<Finding[]> {
	const { folder, rounds } = options;
	return withPeers(options, async (run) => {
		const origin = await run((port) => node("large.mjs", port));
		const peers = {
			ours: await run((port) => recorder(folder, port, "--stream-large-bodies", "1m")),
			theirs: await run((port) => node("forward-proxy.mjs", port)),
		};
		const size = rounds === 1 ? SIZE.short : SIZE.whole;
		return [
			await compared("download", peers, origin, { size, rounds }),
			await compared("upload", peers, origin, { size, rounds }),
		];
	});
}

type Peers = Readonly<Record<"ours" | "theirs", Running>>;

async function compared(
	direction: Direction,
	peers: Peers,
	origin: Running,
	{ size, rounds }: { size: number; rounds: number },
): Promise<Finding> {
	const rates = { ours: [] as number[], theirs: [] as number[] };
	const cpu = { ours: 0, theirs: 0 };
	for (let round = 0; round < rounds; round++)
		for (const peer of ["ours", "theirs"] as const) {
			const before = peers[peer].cpu();
			rates[peer].push(size / (await passed(direction, peers[peer].port, origin.port, size)));
			cpu[peer] += ((peers[peer].cpu() - before) * 1e6) / (size * rounds);
		}
	const [ours, theirs] = [median(rates.ours), median(rates.theirs)];
	const figures = `${ours.toFixed(0)} MiB/s at ${cpu.ours.toFixed(0)} µs/MiB, ${theirs.toFixed(0)} MiB/s at ${cpu.theirs.toFixed(0)} µs/MiB`;
	return {
		name: `record, ${direction} past the cutoff: flowtape / node:http`,
		ratio: ours / theirs,
		wanted: "at least 0.8",
		figures,
	};
}

/** Transfers a body of `size` MiB through a proxy; resolves to the time in seconds. */
async function passed(direction: Direction, port: number, origin: number, size: number): Promise<number> {
	const begin = performance.now();
	const pieces = direction === "upload" ? (size * 1024 * 1024) / PIECE.length : 0;
	const headers = { host: `127.0.0.1:${origin}`, "content-length": pieces * PIECE.length };
	const options = {
		host: "127.0.0.1",
		port,
		path: `http://127.0.0.1:${origin}/${size}`,
		method: direction === "upload" ? "PUT" : "GET",
		headers,
	};
	await new Promise<void>((resolve, reject) => {
		const request = http.request(options, (response) => void response.on("end", resolve).on("error", reject).resume());
		Readable.from(Array<Buffer>(pieces).fill(PIECE)).pipe(request.on("error", reject));
	});
	return (performance.now() - begin) / 1000;
}
