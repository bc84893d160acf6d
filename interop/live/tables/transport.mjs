// Options of bodies, framing, connections, TLS, HTTP/2 and WebSockets.
import assert from "node:assert/strict";
import { answer, last } from "../origin.mjs";
import { ask, bytes, differs, row } from "./rows.mjs";

const get = (path = "/", fields = []) => ask("GET", path, fields);
const post = (body, path = "/") => ask("POST", path, [], body);
const chunkedPost = (...parts) =>
	bytes(
		`POST {to}/chunks HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("")}0\r\n\r\n`,
		"POST",
	);
const chunked = (...parts) =>
	`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("")}0\r\n\r\n`;
const sized = (size) => answer("200 OK", [], "y".repeat(size));

const sizes = [
	...[0, 9, 10, 11, 5000].map((size) => row(`a response of ${size}`, get(), sized(size))),
	...[0, 9, 10, 11, 5000].map((size) => row(`a request of ${size}`, post("x".repeat(size)))),
	row("a response in chunks below", get(), chunked("12345", "1234")),
	row("a response in chunks above", get(), chunked("12345", "123456789")),
	row("a request in chunks below", chunkedPost("12345", "1234")),
	row("a request in chunks above", chunkedPost("12345", "123456789")),
	row("a response that ends with the connection", get(), last(`HTTP/1.1 200 OK\r\n\r\n${"z".repeat(100)}`)),
	row("HEAD of a large one", ask("HEAD", "/"), "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"),
	row("in a tunnel", post("x".repeat(100)), sized(100), { isTls: true }),
];

/** Requests that are ambiguous, or may seem so. */
const doubtfulRequests = [
	[
		"length and chunks",
		"POST {to}/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	],
	["two lengths", "POST {to}/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"],
	["the same length twice", "POST {to}/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"],
	["a length with a sign", "POST {to}/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: +3\r\n\r\nabc"],
	["a length with a zero before it", "POST {to}/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: 03\r\n\r\nabc"],
	["a length in words", "POST {to}/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: three\r\n\r\nabc"],
	[
		"two transfer codings",
		"POST {to}/ HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	],
	["an unknown transfer coding", "POST {to}/ HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"],
	[
		"chunked, and then not",
		"POST {to}/ HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
	],
	["a blank in a name", "GET {to}/ HTTP/1.1\r\nHost: {host}\r\nX A: 1\r\n\r\n"],
	["a blank behind a name", "GET {to}/ HTTP/1.1\r\nHost: {host}\r\nX-A : 1\r\n\r\n"],
	["an empty name", "GET {to}/ HTTP/1.1\r\nHost: {host}\r\n: 1\r\n\r\n"],
	["a line without a colon", "GET {to}/ HTTP/1.1\r\nHost: {host}\r\nnothing\r\n\r\n"],
	["chunked in HTTP/1.0", "POST {to}/ HTTP/1.0\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
	["no version", "GET {to}/\r\nHost: {host}\r\n\r\n"],
];
const doubtfulResponses = [
	["length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
	["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"],
	["a length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc"],
	["a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
	["chunks in a 204", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"],
	["a bad chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"],
	["a blank in a name", "HTTP/1.1 200 OK\r\nX A: 1\r\nContent-Length: 0\r\n\r\n"],
	["a status of letters", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"],
];
const doubtful = [
	...doubtfulRequests.map(([name, text]) => row(`a request with ${name}`, bytes(text), [], { isProbed: false })),
	...[
		[
			"a bad chunk size",
			"POST {to}/ HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
		],
		["an unknown version", "GET {to}/ HTTP/3.7\r\nHost: {host}\r\n\r\n"],
	].map(([name, text]) =>
		differs(
			"a request that cannot be parsed is answered with 400",
			({ client, origin }) => assert.deepEqual([client.answers, origin], [[{ page: "HTTP/1.1 400" }], []]),
			row(`a request with ${name}`, bytes(text), [], { isProbed: false }),
		),
	),
	...doubtfulResponses.map(([name, text]) => row(`a response with ${name}`, get(), last(text), { isProbed: false })),
];

const sizedPost = (body) => ask("POST", "/", [["content-length", String(body.length)]], body);

const ONE_LENGTH = "Content-Length is removed if a message is chunked (RFC 9112 section 6.3)";

/** Adjusts the expectation for unambiguous messages in an unusual form. */
function passing(scenario) {
	if (scenario.name === "a request with length and chunks")
		return differs(
			ONE_LENGTH,
			({ origin }) => assert.match(origin[0].head, /^(?!.*content-length).*transfer-encoding: chunked/is),
			scenario,
		);
	if (scenario.name === "a response with length and chunks")
		return differs(
			ONE_LENGTH,
			({ client }) => assert.match(client.answers[0].head, /^(?!.*content-length).*transfer-encoding: chunked/is),
			scenario,
		);
	if (scenario.name === "a request with chunked in HTTP/1.0")
		return differs(
			"HTTP/1.0 has no chunks",
			({ origin }) => assert.match(origin[0].head, /^POST \/ HTTP\/1\.1\r\n.*Transfer-Encoding: chunked/s),
			scenario,
		);
	if (!/same length twice|zero before it/.test(scenario.name)) return scenario;
	return differs(
		"messages with only one meaning pass if the option allows them",
		({ client }) => assert.equal(client.answers[0].body, "hello"),
		scenario,
	);
}

/** Messages that exist in both HTTP/1.1 and HTTP/2, so that a proxy can convert them. */
const versionless = [
	row("GET", get("/path?q=1", [["x-a", "1"]])),
	row("HEAD", ask("HEAD", "/"), answer("200 OK", [], "12345").replace("12345", "")),
	row("POST", sizedPost("a body")),
	row("a large body in both directions", sizedPost("x".repeat(200_000)), sized(200_000)),
	row("several on a connection", [get("/1"), sizedPost("2"), get("/3")]),
	row("404", get(), answer("404 Not Found")),
	row("204", get(), "HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n"),
	row("304", get(), 'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n'),
	row(
		"duplicate fields",
		get("/", [
			["x-b", "1"],
			["x-b", "2"],
		]),
		answer("200 OK", [
			["set-cookie", "a=1"],
			["set-cookie", "b=2"],
		]),
	),
	row("cookies", get("/", [["cookie", "a=1; b=2"]])),
	row("an empty body", get(), answer("200 OK", [], "")),
];

const http2 = { isTls: true, alpn: ["h2", "http/1.1"] };
const http2Origin = { alpn: ["h2", "http/1.1"] };
/** Over HTTP/2, a client may send requests for any host that the certificate names (RFC 9113 section 9.1.1). */
const unverified = [
	[
		/^\.client\.tls\.(?:subject|names)/,
		"clients that offer HTTP/2 get no names from certificates that are not verified",
	],
];

const talks = [
	row("text", [], [], { talk: ["hello", "caf\u00e9", ""] }),
	row("bytes", [], [], { talk: [Buffer.from([0, 255, 1])] }),
	row("a large message", [], [], { talk: ["x".repeat(100_000)] }),
	row("compressed", [], [], { talk: ["y".repeat(1000), "z"], offer: true }),
	row("the server closes", [], [], { talk: ["close 4000 enough"] }),
	row("the client closes with a reason", [], [], { talk: ["a"], code: 4001, reason: "tired" }),
	row("in TLS", [], [], { talk: ["a", "b"], isTls: true }),
];

const recordedBody = /^\.flows\.\d+\.(?:request|response)\.body$/;
const partial = [[recordedBody, "the received part of an incomplete body is recorded"]];
const refused = [
	[/^\.flows\.\d+$/, "a rejected request is reported, and not recorded"],
	[/^\.flows\.\d+\.(?:request\.body|response|response\.body)$/, "a rejected response is not recorded, only the error"],
];

export const transportGroups = [
	{ name: "stream_large_bodies", options: { stream_large_bodies: "10" }, rows: sizes },
	{
		name: "store_streamed_bodies",
		aside: [[recordedBody, "mitmproxy has this option from version 12 on"]],
		options: { stream_large_bodies: "10", store_streamed_bodies: true },
		rows: sizes,
	},
	{ name: "body_size_limit", aside: partial, options: { body_size_limit: "10" }, rows: sizes },
	{ name: "both limits", aside: partial, options: { stream_large_bodies: "10", body_size_limit: "2k" }, rows: sizes },
	{ name: "validate_inbound_headers", aside: refused, rows: doubtful },
	{
		name: "without validate_inbound_headers",
		options: { validate_inbound_headers: false },
		aside: refused,
		rows: doubtful.map(passing),
	},
	{
		name: "connection_strategy eager",
		rows: [
			differs(
				"a tunnel is opened before the connection to its server: the failed request is recorded, and its response has the reason",
				({ client, flows: [flow] }) => {
					assert.match(client.connect, /^HTTP\/1.1 200 /);
					assert.deepEqual([client.answers, flow.failed, flow.request.path], [[{ page: "HTTP/1.1 502" }], true, "/"]);
				},
				row("no server", get(), [], { isTls: true, nowhere: true }),
			),
			row("plain, no server", get(), [], { nowhere: true }),
		],
	},
	{
		name: "connection_strategy lazy",
		options: { connection_strategy: "lazy" },
		rows: [row("no server", get(), [], { isTls: true, nowhere: true }), row("a server", get(), [], { isTls: true })],
	},
	{
		name: "without upstream_cert",
		options: { upstream_cert: false },
		rows: [
			row("by name", get(), [], { isTls: true }),
			row("by address", get(), [], { isTls: true, host: "127.0.0.1" }),
		],
	},
	{ name: "upstream_cert", rows: [row("by name", get(), [], { isTls: true })] },
	{
		name: "client_certs",
		options: { client_certs: "{dir}/client-both.pem" },
		origin: { authority: true },
		rows: [row("is shown", get(), [], { isTls: true }), row("not without TLS", get())],
	},
	{
		name: "certificates are verified",
		options: { ssl_insecure: false },
		rows: [row("an untrusted certificate", get(), [], { isTls: true }), row("plain", get())],
	},
	{
		name: "ssl_verify_upstream_trusted_ca",
		options: { ssl_insecure: false, ssl_verify_upstream_trusted_ca: "{dir}/ca.pem" },
		rows: [
			row("a trusted certificate", get(), [], { isTls: true }),
			row("by address", get(), [], { isTls: true, host: "127.0.0.1" }),
			row("of another name", get(), [], { isTls: true, sni: "wrong.example" }),
		],
	},
	{ name: "certs", options: { certs: ["*={dir}/own-both.pem"] }, rows: [row("is shown", get(), [], { isTls: true })] },
	{
		name: "certs of a domain",
		options: { certs: ["own.example={dir}/own-both.pem"] },
		rows: [
			row("is shown", get(), [], { isTls: true, sni: "own.example" }),
			row("another one", get(), [], { isTls: true }),
		],
	},
	{
		name: "tls versions of clients",
		options: { tls_version_client_max: "TLS1_2" },
		rows: [
			row("1.2", get(), [], { isTls: true }),
			row("1.3 alone", get(), [], { isTls: true, tls: { minVersion: "TLSv1.3" } }),
		],
	},
	{
		name: "tls versions of clients, at least",
		options: { tls_version_client_min: "TLS1_3" },
		rows: [
			row("1.3", get(), [], { isTls: true }),
			row("1.2 alone", get(), [], { isTls: true, tls: { maxVersion: "TLSv1.2" } }),
		],
	},
	{
		name: "tls versions of servers",
		options: { tls_version_server_max: "TLS1_2" },
		rows: [row("1.2", get(), [], { isTls: true })],
	},
	{
		name: "a TLS version that the server does not support",
		options: { tls_version_server_min: "TLS1_3" },
		origin: { maxVersion: "TLSv1.2" },
		rows: [row("fails", get(), [], { isTls: true })],
	},
	{ name: "http2 to http2", aside: unverified, ...http2, origin: http2Origin, rows: versionless },
	{
		name: "http2 to http1",
		...http2,
		options: { connection_strategy: "lazy" },
		rows: [
			...versionless,
			differs(
				"a body without a length is sent in chunks; mitmproxy sends bytes that the server parses as another request",
				({ origin }) => {
					assert.match(origin[0].head, /^transfer-encoding: chunked\r$/m);
					assert.equal(origin[0].body, "a body");
				},
				row("a body without a length", post("a body")),
			),
		],
	},
	{ name: "http1 to http2", isTls: true, origin: { alpn: ["h2", "http/1.1"] }, rows: versionless.slice(0, 3) },
	{ name: "http2 through socks5", mode: "socks5", aside: unverified, ...http2, origin: http2Origin, rows: versionless },
	{
		name: "http2 through a reverse proxy",
		mode: "reverse:https://localhost:{tls}",
		aside: unverified,
		...http2,
		origin: http2Origin,
		rows: versionless,
	},
	{
		name: "http2 through an upstream proxy",
		mode: "upstream:http://localhost:{port}",
		aside: unverified,
		...http2,
		origin: http2Origin,
		rows: versionless,
	},
	{
		name: "without http2",
		aside: unverified,
		...http2,
		origin: http2Origin,
		options: { http2: false },
		rows: versionless.slice(0, 3),
	},
	{ name: "websocket", rows: talks },
	{ name: "websocket of a reverse proxy", mode: "reverse:http://localhost:{port}", rows: talks.slice(0, 6) },
	{ name: "without websocket", options: { websocket: false }, own: { record_tcp: true }, rows: talks },
];
