// Scripts with the same hooks in Python and in JavaScript: what they change, create and stop, and the order of the
// calls.
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { answer, last } from "../origin.mjs";
import { ask, differs, row } from "./rows.mjs";

const get = (path, fields) => ask("GET", path, fields);
const form = [["Content-Type", "application/x-www-form-urlencoded"]];
const latin1 = [["Content-Type", "text/plain; charset=iso-8859-1"]];
const duplicates = answer("200 OK", [
	["Set-Cookie", "a=1"],
	["x-a", "0"],
	["set-cookie", "b=2"],
]);

const rows = [
	row("no change", get("/")),
	row("the order of hooks", ask("POST", "/order", [], "body")),
	row("the order if the server fails", get("/order-fails"), last("HTTP/1.1 200 OK\r\n")),
	row("the hooks called for the failure", get("/order")),
	row("an answer", get("/made")),
	row("an answer to HEAD", ask("HEAD", "/made")),
	row("a default answer", get("/empty")),
	row("kills the flow", get("/kill")),
	row("another host", get("/host")),
	row("another path", get("/path?")),
	row("another path, changed", get("/path")),
	row("another method", ask("POST", "/method", [], "body")),
	row("text", ask("POST", "/text", [], "banana é")),
	row("text of another charset", ask("POST", "/text", latin1, "banan\xe4")),
	row("bytes", ask("POST", "/content", [], "body")),
	row("bytes in an empty body", get("/content")),
	row("a query", get("/query?a=b%20c&gone=1&d")),
	row("no query", get("/query")),
	row("cookies", get("/cookies", [["Cookie", "a=1; c=3"]])),
	row("no cookies", get("/cookies")),
	row("a form", ask("POST", "/form", form, "a=1&b=2")),
	row(
		"fields",
		get("/fields", [
			["X-Old", "1"],
			["x-gone", "1"],
			["x-all", "0"],
			["X-OLD", "3"],
			["X-GONE", "2"],
		]),
	),
	row("a status", get("/status")),
	row(
		"the response's text",
		get("/response-text"),
		answer("200 OK", [["Content-Type", "text/plain; charset=utf-8"]], "hello"),
	),
	row("the response's text in latin1", get("/response-text"), answer("200 OK", latin1, "h\xe4llo")),
	row(
		"the response's text, compressed",
		get("/decode"),
		answer("200 OK", [["Content-Encoding", "gzip"]], gzipSync("hello").toString("latin1")),
	),
	row("kills the flow instead of the response", get("/response-kill")),
	row("the response's fields", get("/response-fields"), duplicates),
	row("another response", get("/replace")),
	row("only the head", get("/head-only")),
	row("streamed", get("/stream")),
	row(
		"changed while it is streamed",
		get("/transform"),
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nlilly\r\n0\r\n\r\n",
	),
	row("in a tunnel", [get("/made"), get("/path"), get("/status")], [], { isTls: true }),
	row("messages of a WebSocket", [], [], { talk: ["banana", "b"] }),
];

const early = row("an answer to the head", ask("POST", "/early", [], "body"));

export const scriptGroups = [
	{ name: "scripts", script: ["hooks"], rows: [...rows, early] },
	{
		name: "scripts of a reverse proxy",
		mode: "reverse:http://localhost:{port}",
		script: ["hooks"],
		rows: rows.filter(({ isTls }) => !isTls),
	},
	{
		name: "scripts and rules",
		script: ["hooks"],
		options: {
			modify_headers: ["/~q/X-Req/1", "/~s/X-Res/1"],
			map_remote: ["|/other|/mapped"],
			modify_body: ["/~s/made/changed"],
		},
		rows: [
			...rows.slice(0, 14),
			differs(
				"headers are changed before hooks answer",
				({ client, flows: [flow] }) => {
					assert.match(client.answers[0].head, /^HTTP\/1.1 201 .*X-Made: early\r\n.*X-Res: 1\r\n/s);
					assert.ok(flow.request.headers.includes("X-Req: 1"));
				},
				early,
			),
		],
	},
];
