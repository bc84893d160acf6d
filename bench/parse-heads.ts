// Parsing in memory without sockets: heads per second compared with Node's own parser (llhttp), and the cost of a body.

import { RequestParser, ResponseParser } from "../src/proxy/wire/parser.ts";
import type { BenchOptions, Finding } from "./finding.ts";
import { median } from "./processes.ts";

const REQUEST = Buffer.from(
	"GET /items/42?page=7 HTTP/1.1\r\nHost: shop.example:8080\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n",
);
const RESPONSE_HEAD =
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nServer: nginx\r\n";
const RESPONSE = Buffer.from(`${RESPONSE_HEAD}Content-Length: 0\r\n\r\n`);
const RESPONSE_1K = Buffer.from(`${RESPONSE_HEAD}Content-Length: 1024\r\n\r\n${"x".repeat(1024)}`);
const RESPONSE_CHUNKED = Buffer.from(
	`${RESPONSE_HEAD}Transfer-Encoding: chunked\r\n\r\n400\r\n${"x".repeat(1024)}\r\n0\r\n\r\n`,
);

const handler = { head() {}, body() {}, end() {} };

/** Heads per second that `feed` parses; median of rounds of 50 ms. */
function rate(rounds: number, feed: () => void): number {
	for (let i = 0; i < 20_000; i++) feed();
	const rates = Array.from({ length: rounds }, () => {
		const start = performance.now();
		let count = 0;
		while (performance.now() - start < 50) {
			for (let i = 0; i < 1000; i++) feed();
			count += 1000;
		}
		return (1000 * count) / (performance.now() - start);
	});
	return median(rates);
}

interface NativeParser {
	[callback: number]: () => void;
	initialize(type: number, resource: object): void;
	execute(bytes: Buffer): unknown;
}

/**
 * Node's parser with callbacks that do nothing. null if Node no longer has the deprecated binding; the result is then
 * omitted.
 */
function nativeFeed(request: boolean, message: Buffer): (() => void) | null {
	const { binding } = process as unknown as {
		binding?: (name: string) => { HTTPParser?: { new (): NativeParser; REQUEST: number; RESPONSE: number } };
	};
	process.removeAllListeners("warning");
	const HTTPParser = binding?.("http_parser").HTTPParser;
	if (HTTPParser === undefined) return null;
	const parser = new HTTPParser();
	parser.initialize(request ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {});
	for (let callback = 0; callback < 6; callback++) parser[callback] = () => {};
	return () => void parser.execute(message);
}

export async function parseHeads({ rounds }: BenchOptions): Promise<Finding[]> {
	const times = 4 * rounds + 1;
	const requests = new RequestParser(handler);
	const responses = new ResponseParser(handler);
	const respond = (bytes: Buffer) => () => {
		responses.expect("GET");
		responses.feed(bytes);
	};
	const cases = [
		{ name: "request heads", ours: () => requests.feed(REQUEST), native: nativeFeed(true, REQUEST) },
		{ name: "response heads", ours: respond(RESPONSE), native: nativeFeed(false, RESPONSE) },
		{ name: "responses of 1 KB", ours: respond(RESPONSE_1K), native: nativeFeed(false, RESPONSE_1K) },
		{
			name: "responses of one 1 KB chunk",
			ours: respond(RESPONSE_CHUNKED),
			native: nativeFeed(false, RESPONSE_CHUNKED),
		},
	];
	return cases.map(({ name, ours, native }) => {
		const rates = [rate(times, ours), native === null ? Number.NaN : rate(times, native)] as const;
		return {
			name: `parse ${name}: flowtape / llhttp`,
			ratio: rates[0] / rates[1],
			wanted: name === "request heads" ? "at least 1" : "",
			figures: `${rates.map((perSecond) => (perSecond / 1e6).toFixed(2)).join(", ")} million a second`,
		};
	});
}
