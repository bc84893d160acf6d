// Messages of every form, which each mode passes unchanged.

import assert from "node:assert/strict";
import { answer, last } from "../origin.mjs";
import { ask, bytes, differs, row } from "./rows.mjs";

export const messages = [
	row("GET", ask("GET", "/")),
	row("query, escapes and parameters", ask("GET", "/a%20b;c=1/%C3%A9?x=%2F&y&y=2&z=a+b")),
	differs(
		"a fragment is the client's own and is not sent (RFC 9110 section 7.1)",
		({ origin }) => assert.match(origin[0].head, /^GET \S*\/a\?b HTTP/),
		row("a fragment", ask("GET", "/a?b#not")),
	),
	row("POST with a length", ask("POST", "/form", [["Content-Type", "application/x-www-form-urlencoded"]], "a=1&b=2")),
	row(
		"POST in chunks",
		bytes(
			"POST {to}/chunks HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n",
			"POST",
		),
	),
	row("POST without a body", ask("POST", "/none", [["Content-Length", "0"]])),
	row("GET with a body", ask("GET", "/search", [], '{"query":1}')),
	row("HEAD", ask("HEAD", "/head"), answer("200 OK", [["X-A", "1"]], "12345").replace("12345", "")),
	row("PUT, DELETE and PATCH on a connection", [
		ask("PUT", "/r", [], "1"),
		ask("DELETE", "/r"),
		ask("PATCH", "/r", [], "2"),
	]),
	row("an unknown method", ask("BREW", "/pot")),
	row("a method in lower case", ask("get", "/lower")),
	row("pipelined requests", [ask("GET", "/1"), ask("GET", "/2"), ask("GET", "/3")], [], { isPipelined: true }),
	row(
		"fields in their order and case, twice and empty",
		ask("GET", "/fields", [
			["x-b", "2"],
			["X-A", "1"],
			["X-a", "3"],
			["x-Empty", ""],
			["X_Under.score!", "ok"],
		]),
	),
	row("non-ASCII bytes in fields", ask("GET", "/latin", [["X-Name", "caf\xe9 \xff"]])),
	row(
		"HTTP/1.0",
		bytes("GET {to}/old HTTP/1.0\r\nHost: {host}\r\n\r\n"),
		last("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold"),
	),
	row(
		"Connection: close",
		ask("GET", "/close", [["Connection", "close"]]),
		last(answer("200 OK", [["Connection", "close"]])),
	),
	row("204", ask("GET", "/204"), "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"),
	row(
		"304 with the length of the omitted body",
		ask("GET", "/304", [["If-None-Match", '"a"']]),
		'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n',
	),
	row("302", ask("GET", "/302"), answer("302 Found", [["Location", "/elsewhere"]], "")),
	row(
		"404 and 500 on a connection",
		[ask("GET", "/404"), ask("GET", "/500")],
		[answer("404 Not Found"), answer("500 Oops Indeed")],
	),
	row("an unknown status without a reason phrase", ask("GET", "/799"), "HTTP/1.1 799 \r\nContent-Length: 2\r\n\r\nhm"),
	row(
		"a response in chunks",
		ask("GET", "/chunked"),
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n8\r\ndefghijk\r\n0\r\n\r\n",
	),
	row(
		"a response that ends with the connection",
		ask("GET", "/until-the-end"),
		last("HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nall of it"),
	),
	row("an empty response", ask("GET", "/empty"), answer("200 OK", [], "")),
	row(
		"duplicate response fields",
		ask("GET", "/twice"),
		answer("200 OK", [
			["Set-Cookie", "a=1; Path=/"],
			["set-cookie", "b=2"],
			["X-Z", ""],
			["x-Z", "1"],
		]),
	),
	row(
		"a compressed body",
		ask("GET", "/gzip"),
		answer("200 OK", [["Content-Encoding", "br"]], "\x0b\x02\x80hello\x03"),
	),
	differs(
		"Expect is forwarded to the server (RFC 9110 section 10.1.1)",
		({ client, origin }) => {
			assert.match(origin[0].head, /^expect: 100-continue\r$/im);
			assert.equal(client.interim, undefined);
			assert.equal(client.answers[0].head.slice(0, 12), "HTTP/1.1 200");
		},
		row("Expect: 100-continue", ask("POST", "/expect", [["Expect", "100-continue"]], "body")),
	),
	row(
		"a body of a megabyte in both directions",
		ask("POST", "/large", [], "x".repeat(1 << 20)),
		answer("200 OK", [], "y".repeat(1 << 20)),
	),
	differs(
		"if a reused connection is closed before the response, the request is sent again on a new one",
		({ origin, client }) => {
			assert.deepEqual(origin[0], origin[1]);
			assert.deepEqual(client.answers, [{ page: "HTTP/1.1 502" }]);
		},
		row("the origin hangs up", ask("GET", "/hangs-up"), last("")),
	),
	row("the origin hangs up in the head", ask("GET", "/half-a-head"), last("HTTP/1.1 200 OK\r\nContent-Le")),
	...[
		["body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"],
		["chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\nab"],
	].map(([where, text]) =>
		differs(
			"the received part of an incomplete body is recorded",
			({ client, flows: [flow] }) => {
				assert.deepEqual(client, { ...client, answers: [{ page: "HTTP/1.1 502" }], closes: true });
				assert.deepEqual([flow.failed, flow.response.body.slice(0, 5)], [true, "12345"]);
			},
			row(`the origin hangs up in the ${where}`, ask("GET", "/half"), last(text)),
		),
	),
	row("a response that is not HTTP", ask("GET", "/garbage"), last("SSH-2.0-OpenSSH_9\r\n\r\n")),
];

/**
 * Interim responses. Only one group uses them, because they take long: mitmproxy's client waits until its time limit.
 */
export const interim = [
	differs(
		"interim responses are forwarded, then the final one",
		({ client }) => {
			assert.equal(client.interim[0], "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n");
			assert.deepEqual(client.answers, [{ head: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", body: "hello" }]);
		},
		row(
			"interim responses",
			ask("GET", "/hints"),
			`HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n${answer()}`,
		),
	),
];
