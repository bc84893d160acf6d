// Compares server replay with mitmproxy's: the same dump and the same requests, with every option that both have, must
// give the same answers. Deliberate differences are left out. Ends with `N passed, N failed`.
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clientConnection, serverConnection } from "../dist/flow.js";
import { createTape, Headers, HttpFlow, Request, Response } from "../dist/index.js";
import { discard } from "../fixtures/make/discard.mjs";
import { findMitmproxy } from "./peers/mitmproxy.mjs";
import { startFlowtape, startMitmdump } from "./peers/proxies.mjs";
import { expect, reportTally } from "./peers/tally.mjs";

const HOST = "site.test:8080";
const RECORDED = 1_700_000_000;
/** Tolerance for the shift of dates in seconds, because the programs receive each request one after the other. */
const TOLERANCE_S = 60;
const DATE = "Tue, 14 Nov 2023 22:13:20 GMT";

const form = (body) => ["POST", "/form", [["Content-Type", "application/x-www-form-urlencoded"]], body];
const json = (body) => ["POST", "/json", [["Content-Type", "application/json"]], body];
const multipart = (a, b, boundary = "xYz") => {
	const part = (name, value) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
	return [
		"POST",
		"/multi",
		[["Content-Type", `multipart/form-data; boundary=${boundary}`]],
		`${part("a", a)}${part("b", b)}--${boundary}--\r\n`,
	];
};

/**
 * The recorded requests: method, path, headers, body. The response of each contains its number. The last ones are never
 * requested.
 */
const recorded = [
	["GET", "/"],
	["GET", "/p?a=1&b=2"],
	["GET", "/p?b=2&a=1"],
	["GET", "/p?a=1"],
	["GET", "/p?a=1&a=1"],
	["GET", "/p?x"],
	["GET", "/p?s=%20+%2B"],
	["GET", "/p;v=1"],
	["GET", "/q;v=1/z"],
	["GET", "/%41"],
	["GET", "/d/"],
	["PUT", "/m"],
	["get", "/lower"],
	["OPTIONS", "/o"],
	["GET", "/twice"],
	["GET", "/twice"],
	["GET", "/twice?n=3"],
	["GET", "/h", [["X-A", "1"]]],
	["GET", "/h", [["X-A", "2"]]],
	[
		"GET",
		"/h",
		[
			["x-a", "1"],
			["X-A", "3"],
		],
	],
	["GET", "/h"],
	form("a=1&b=2"),
	form("b=2&a=1"),
	form("a=1&t=9"),
	form(""),
	json('{"a":1,"t":2}'),
	json('{"a": 1, "t": 2}'),
	multipart("1", "2"),
	multipart("1", "3", "other"),
	["POST", "/text", [], "plain"],
	["POST", "/text", [], ""],
	["GET", "/body", [], "on GET"],
	["GET", "/port", [["Host", "site.test:9999"]]],
	["GET", "/other", [["Host", "other.test"]]],
	["GET", "/never/1"],
	["GET", "/never/2"],
	["GET", "/never/3"],
];

/** The requests. */
const asked = [
	...recorded.slice(0, -3),
	["GET", "/p?a=1&b=3"],
	["GET", "/p?b=1"],
	["GET", "/p"],
	["GET", "/p?x="],
	["GET", "/p?s=+%20%2b"],
	["GET", "/p;v=2"],
	["GET", "/q;v=2/z"],
	["GET", "/A"],
	["GET", "/d"],
	["POST", "/m"],
	["PUT", "/lower"],
	["GET", "/twice"],
	["GET", "/twice?n=4"],
	["GET", "/h", [["X-A", ""]]],
	["GET", "/h", [["X-A", "1, 3"]]],
	form("a=1&b=7"),
	form("t=9"),
	form("a=1&t=1"),
	json('{"a":1,"t":3}'),
	json("{}"),
	multipart("1", "9"),
	multipart("1", "2", "third"),
	["POST", "/text", [], "PLAIN"],
	["GET", "/body"],
	["GET", "/port"],
	["GET", "/other"],
	["GET", "/none?a=1"],
];

const sets = [
	[],
	[["reuse", "true"]],
	[["ignore_content", "true"]],
	[["ignore_params", "a"]],
	[
		["ignore_params", "a"],
		["ignore_params", "b"],
		["ignore_params", "n"],
	],
	[["ignore_payload_params", "t"]],
	[
		["ignore_payload_params", "a"],
		["ignore_payload_params", "b"],
	],
	[
		["ignore_payload_params", "t"],
		["ignore_content", "true"],
	],
	[["ignore_host", "true"]],
	[["ignore_port", "true"]],
	[
		["ignore_host", "true"],
		["ignore_port", "true"],
		["ignore_content", "true"],
		["reuse", "true"],
	],
	[["use_headers", "X-A"]],
	[
		["use_headers", "x-a"],
		["use_headers", "content-type"],
	],
	[["refresh", "false"]],
	[["extra", "204"]],
	[["extra", "500"]],
	[["extra", "kill"]],
];

const folder = mkdtempSync(join(tmpdir(), "replay-interop-"));

async function writeDump(path) {
	const sink = await createTape(path);
	for (const [i, [method, target, headers = [], body = ""]] of recorded.entries()) {
		const hosted = headers.some(([name]) => name === "Host") ? headers : [["Host", HOST], ...headers];
		await sink.append(
			new HttpFlow({
				id: `${i}`,
				clientConn: clientConnection({ id: `c${i}`, timestampStart: RECORDED }),
				serverConn: serverConnection({ id: `s${i}`, address: ["site.test", 8080], timestampStart: RECORDED }),
				request: new Request({
					method,
					scheme: "http",
					host: "site.test",
					port: 8080,
					path: target,
					headers: Headers.of(...hosted),
					body: Buffer.from(body),
					timestampStart: RECORDED,
				}),
				response: new Response({
					statusCode: 200,
					reason: "OK",
					body: Buffer.from(`recording ${i}`),
					timestampStart: RECORDED,
					timestampEnd: RECORDED,
					headers: Headers.of(
						["Expires", DATE],
						["Set-Cookie", `a=1; expires=${DATE}`],
						["Content-Length", String(`recording ${i}`.length)],
					),
				}),
			}),
		);
	}
	await sink.commit();
}

/** The status, the body of a hit, and the shift of its dates. */
async function ask(port, [method, target, headers = [], body = ""]) {
	const socket = connect(port, "127.0.0.1");
	const hosted = headers.some(([name]) => name === "Host") ? headers : [["Host", HOST], ...headers];
	const lines = [
		...hosted,
		...(body === "" && method !== "POST" ? [] : [["Content-Length", String(Buffer.byteLength(body))]]),
		["Connection", "close"],
	];
	// mitmproxy treats a client that closes its side as disconnected
	socket.write(
		`${method} http://${HOST}${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`,
	);
	socket.on("error", () => {});
	let text = "";
	socket.on("data", (chunk) => (text += chunk.toString("latin1")));
	await once(socket, "close");
	const status = /^HTTP\/1\.\d (\d+)/.exec(text)?.[1] ?? "closed";
	const hit = /recording \d+$/.exec(text)?.[0] ?? "miss";
	const moved = [...text.matchAll(/\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT/g)].map(
		([date]) => Date.parse(date) / 1000 - RECORDED,
	);
	return { status: hit === "miss" ? status : "200", hit, moved: hit === "miss" ? [] : moved };
}

const python = findMitmproxy();
if (python !== null) {
	const dump = join(folder, "recorded.mitm");
	await writeDump(dump);
	for (const options of sets) {
		const assignments = options.flatMap(([name, value]) => ["--set", `server_replay_${name}=${value}`]);
		const extra = options.some(([name]) => name === "extra") ? [] : ["--set", "server_replay_extra=404"];
		const args = [
			"--set",
			"connection_strategy=lazy",
			"--set",
			"keep_serving=true",
			"--server-replay",
			dump,
			...extra,
			...assignments,
		];
		const mitm = await startMitmdump(python, join(folder, "served.mitm"), { home: join(folder, "mitm"), args });
		const ours = await startFlowtape("replay-server", dump, [...extra, ...assignments], {
			env: { ...process.env, FLOWTAPE_HOME: join(folder, "home") },
		});
		for (const request of asked) {
			const [theirs, own] = [await ask(mitm.port, request), await ask(ours.port, request)];
			const isMoved =
				own.moved.length === theirs.moved.length &&
				own.moved.every((seconds, i) => Math.abs(seconds - theirs.moved[i]) <= TOLERANCE_S);
			const what = `${JSON.stringify(options)} ${JSON.stringify(request)}: mitmproxy ${JSON.stringify(theirs)}, flowtape ${JSON.stringify(own)}`;
			expect(what, own.status === theirs.status && own.hit === theirs.hit && isMoved);
		}
		await Promise.all([mitm.stop(), ours.stop()]);
	}
}
await discard(folder);
reportTally();
