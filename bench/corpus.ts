// The flows that offline benchmarks read: varied JSON from five hosts, the same in every run.
import { createTape } from "../formats/index.ts";
import { clientConnection, serverConnection } from "../src/flow/connection.ts";
import { HttpFlow } from "../src/flow/flow.ts";
import { Headers } from "../src/flow/headers.ts";
import { Request, Response } from "../src/flow/message.ts";

const HOSTS = ["api.example.com", "cdn.example.net", "shop.test", "auth.internal", "127.0.0.1"];
const METHODS = ["GET", "GET", "GET", "POST", "PUT"];
const STATUSES = [200, 200, 200, 200, 304, 404, 500];
const START = 1_704_067_200;

/** Writes `count` flows of about 4.4 kB each to a tape of any format. One in a thousand has "deadbeef" in its body. */
export async function writeCorpus(path: string, count: number): Promise<void> {
	const random = mulberry(7);
	const words = Array.from({ length: 5000 }, () => Math.floor(random() * 2 ** 40).toString(16));
	const word = () => words[Math.floor(random() * words.length)] as string;
	const sink = await createTape(path, { report: () => {} });
	for (let i = 0; i < count; i++) await sink.append(corpusFlow(i, word, random));
	await sink.close();
}

function corpusFlow(i: number, word: () => string, random: () => number): HttpFlow {
	const host = HOSTS[i % HOSTS.length] as string;
	const method = METHODS[i % METHODS.length] as string;
	const at = START + i;
	const items = Array.from({ length: 1 + Math.floor(random() * 120) }, () => ({ k: word(), v: word() }));
	const body = JSON.stringify(i % 1000 === 17 ? { id: i, items, needle: "deadbeef" } : { id: i, items });
	return new HttpFlow({
		id: `${i.toString(16).padStart(8, "0")}-0000-4000-8000-${i.toString(16).padStart(12, "0")}`,
		clientConn: clientConnection({
			id: `c${i}`,
			peername: ["127.0.0.1", 50000],
			sockname: ["127.0.0.1", 8080],
			timestampStart: at,
		}),
		serverConn: serverConnection({ id: `s${i}`, address: [host, 443], timestampStart: at }),
		timestampCreated: at,
		request: new Request({
			method,
			scheme: "https",
			host,
			port: 443,
			path: `/v1/${word()}/${i}?page=${i % 50}`,
			headers: Headers.of(
				["accept", "application/json"],
				["user-agent", "bench/1.0"],
				["cookie", `sid=${word()}`],
				["host", host],
			),
			body: Buffer.from(method === "GET" ? "" : `{"q":${i}}`),
			timestampStart: at,
			timestampEnd: at + 0.001,
		}),
		response: new Response({
			statusCode: STATUSES[i % STATUSES.length] as number,
			reason: "OK",
			headers: Headers.of(
				["content-type", "application/json"],
				["date", "Mon, 01 Jan 2024 00:00:00 GMT"],
				["set-cookie", `sid=${word()}; Expires=Tue, 02 Jan 2024 00:00:00 GMT; Path=/`],
			),
			body: Buffer.from(body),
			timestampStart: at + 0.01,
			timestampEnd: at + 0.02,
		}),
	});
}

/** A small pseudorandom number generator with a seed; returns numbers in [0, 1). */
function mulberry(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}
