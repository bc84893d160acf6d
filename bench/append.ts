// CPU time of writing a flow to a tape, in microseconds, without a proxy.
import { join } from "node:path";
import { clientConnection, serverConnection } from "../src/flow/connection.ts";
import { HttpFlow } from "../src/flow/flow.ts";
import { Headers } from "../src/flow/headers.ts";
import { Request, Response } from "../src/flow/message.ts";
import { defaultRequestKey } from "../src/replay/match/key.ts";
import { openStore } from "../src/store/sqlite/store.ts";
import type { BenchOptions, Finding } from "./finding.ts";
import { median } from "./processes.ts";

const CONNECTIONS = 32;
const STARTED = 1_704_067_200;
const EMPTY = Buffer.alloc(0);

/** The body of flow `i`, by kind: equal for all flows, or different for each flow. */
const bodies: Readonly<Record<string, (i: number) => Buffer>> = {
	"equal bodies of 1 KB": () => SAME,
	"differing bodies of 1 KB": (i) => numbered(SAME, i),
	"differing bodies of 16 KB": (i) => numbered(LARGE, i),
};
const SAME = Buffer.alloc(1024, "the same body ");
const LARGE = Buffer.alloc(16 * 1024, "a larger body ");

function numbered(body: Buffer, i: number): Buffer {
	const copy = Buffer.from(body);
	copy.writeUInt32LE(i, 100);
	return copy;
}

export async function append({ folder, rounds, flows }: BenchOptions): Promise<Finding[]> {
	const findings: Finding[] = [];
	for (const [name, body] of Object.entries(bodies)) {
		const micros: number[] = [];
		for (let round = 0; round <= rounds; round++)
			micros.push(await recordAll(join(folder, `append-${round}.tape`), flows, body));
		const usual = median(micros.slice(1));
		findings.push({
			name: `append, ${name}, flows a second`,
			ratio: 1e6 / usual,
			wanted: "at least 50000",
			figures: `${usual.toFixed(1)} µs of CPU a flow`,
		});
	}
	return findings;
}

/** CPU time per flow in microseconds, with commits and closing the tape. */
async function recordAll(path: string, count: number, body: (i: number) => Buffer): Promise<number> {
	const store = openStore(path, { mode: "append", report: () => {}, requestKey: defaultRequestKey });
	const connections = Array.from({ length: CONNECTIONS }, (_, i) => [
		clientConnection({
			id: `c${i}`,
			peername: ["127.0.0.1", 50_000 + i],
			sockname: ["127.0.0.1", 8080],
			timestampStart: STARTED,
		}),
		serverConnection({
			id: `s${i}`,
			address: ["shop.example", 80],
			peername: ["192.0.2.1", 80],
			sockname: ["192.0.2.9", 40_000 + i],
			timestampStart: STARTED,
		}),
	]);
	const begin = process.cpuUsage();
	for (let i = 0; i < count; i++) {
		const [clientConn, serverConn] = connections[i % CONNECTIONS] as [
			ReturnType<typeof clientConnection>,
			ReturnType<typeof serverConnection>,
		];
		store.append(flowOf(i, clientConn, serverConn, body(i)));
		// let the timer of the group commit run, as the event loop of a proxy does
		if (i % CONNECTIONS === 0) await new Promise((resolve) => setImmediate(resolve));
	}
	await store.close();
	const { user, system } = process.cpuUsage(begin);
	return (user + system) / count;
}

function flowOf(
	i: number,
	clientConn: ReturnType<typeof clientConnection>,
	serverConn: ReturnType<typeof serverConnection>,
	body: Buffer,
): HttpFlow {
	const at = STARTED + i / 10_000;
	return new HttpFlow({
		id: `${i.toString(16).padStart(8, "0")}-0000-4000-8000-${i.toString(16).padStart(12, "0")}`,
		clientConn,
		serverConn,
		timestampCreated: at,
		request: new Request({
			method: "GET",
			scheme: "http",
			host: "shop.example",
			port: 80,
			path: `/items/${i}?page=1`,
			headers: Headers.of(
				["Host", "shop.example"],
				["User-Agent", "bench/1.0"],
				["Accept", "*/*"],
				["Accept-Encoding", "gzip"],
				["Cookie", "sid=38afes7a8"],
			),
			body: EMPTY,
			timestampStart: at,
			timestampEnd: at,
		}),
		response: new Response({
			statusCode: 200,
			reason: "OK",
			headers: Headers.of(
				["Content-Type", "application/json"],
				["Date", "Mon, 01 Jan 2024 00:00:00 GMT"],
				["Server", "nginx"],
				["Content-Length", String(body.length)],
				["Cache-Control", "no-store"],
			),
			body,
			timestampStart: at + 0.001,
			timestampEnd: at + 0.002,
		}),
	});
}
