// Reads entries of any program; errors name the path of the field.
import fc from "fast-check";
import t from "tap";
import { harViolations } from "../../../fixtures/har-checks.ts";
import type { JsonObject } from "../../../formats/fields.ts";
import { readEntry } from "../../../formats/har/read-entry.ts";
import { writeEntry } from "../../../formats/har/write-entry.ts";
import { endOf } from "../../../src/flow/ending.ts";
import type { HttpFlow } from "../../../src/flow/flow.ts";

const none = { read: () => null };

function entryOf({
	request = {},
	response = {},
	...entry
}: { request?: JsonObject; response?: JsonObject } & JsonObject = {}): JsonObject {
	return {
		startedDateTime: "2024-05-02T08:15:30.123Z",
		time: 10,
		request: { method: "GET", url: "https://example.com/a?b=c", httpVersion: "HTTP/1.1", headers: [], ...request },
		response: {
			status: 200,
			statusText: "OK",
			httpVersion: "HTTP/1.1",
			headers: [],
			content: { size: 2, text: "hi" },
			...response,
		},
		...entry,
	};
}

function flowOf(parts?: Parameters<typeof entryOf>[0], record = 1, pages = new Map<string, JsonObject>()): HttpFlow {
	const flow = readEntry(entryOf(parts), { record, pages, attachments: none });
	if (flow === null) throw new Error("expected a flow");
	return flow;
}

t.test("request, response, times and addresses", async (t) => {
	const flow = flowOf({
		serverIPAddress: "[2001:db8::1]",
		comment: "look",
		timings: { connect: 2, ssl: 1, send: 0, wait: 7, receive: 1 },
	});
	t.match(flow.request, {
		method: "GET",
		scheme: "https",
		host: "example.com",
		port: 443,
		path: "/a?b=c",
		authority: "",
		httpVersion: "HTTP/1.1",
	});
	t.match(flow.response, { statusCode: 200, reason: "OK", timestampEnd: 1_714_637_730.133 });
	t.equal(flow.response?.text, "hi");
	t.match(flow, { comment: "look", error: null, websocket: null, timestampCreated: 1_714_637_730.123 });
	t.match(flow.serverConn, {
		address: ["example.com", 443],
		peername: ["2001:db8::1", 443],
		tls: true,
		sni: null,
		timestampTcpSetup: 1_714_637_730.124,
	});
	t.equal(flow.clientConn.timestampStart, 1_714_637_730.123);
});

t.test("ids are the same each time, and differ between entries", async (t) => {
	t.equal(flowOf().id, flowOf().id);
	t.not(flowOf({}, 1).id, flowOf({}, 2).id);
	t.match(flowOf().id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
	t.equal(flowOf({ _id: "mine" }).id, "mine");
});

t.test("versions by any name", async (t) => {
	for (const [given, version] of [
		["HTTP/2", "HTTP/2.0"],
		["h2", "HTTP/2.0"],
		["http/2.0", "HTTP/2.0"],
		["http/2+quic/46", "HTTP/2.0"],
		["h3", "HTTP/3"],
		["h3-29", "HTTP/3"],
		["http/1.0", "HTTP/1.0"],
		["HTTP/1.1", "HTTP/1.1"],
		["", "HTTP/1.1"],
		["unknown", "HTTP/1.1"],
		["HTTP/0.9", "HTTP/0.9"],
	] as const)
		t.equal(flowOf({ request: { httpVersion: given } }).request.httpVersion, version, given);
});

t.test("HTTP/2 fields, fields of several lines, and pairs", async (t) => {
	const headers = [
		{ name: ":authority", value: "other.example" },
		{ name: ":path", value: "/a" },
		["X-Pair", "1"],
		{ name: "set-cookie", value: "a=1\nb=2" },
	];
	const { request } = flowOf({ request: { httpVersion: "h2", headers } });
	t.same(request.headers.fields, ["X-Pair", "1", "set-cookie", "a=1", "set-cookie", "b=2"]);
	t.equal(request.authority, "other.example");
	t.equal(
		flowOf({ request: { httpVersion: "h2", url: "https://example.com:8443/" } }).request.authority,
		"example.com:8443",
	);
	t.equal(flowOf({ request: { httpVersion: "h2", headers: [{ name: "Host", value: "x" }] } }).request.authority, "");
});

t.test("unusual URLs", async (t) => {
	const url = (text: string, method = "GET") => flowOf({ request: { url: text, method } }).request;
	t.match(url("wss://example.com/s"), { scheme: "https", port: 443 });
	t.match(url("ws://example.com/s"), { scheme: "http", port: 80 });
	t.match(url("http://[::1]:81"), { host: "::1", port: 81, path: "/" });
	t.match(url("https://example.com", "OPTIONS"), { path: "*" });
	t.match(url(" https://example.com/a?q=\u00a0\u2028\ufeff\n").prettyUrl, /a\?q=\u00a0\u2028\ufeff$/);
	t.match(url("https://example.com", "CONNECT"), {
		host: "example.com",
		port: 443,
		scheme: "",
		path: "",
		authority: "example.com:443",
	});
	for (const text of ["data:text/plain,hi", "blob:https://example.com/1", "chrome-extension://abc/x.js", "about:blank"])
		t.equal(
			readEntry(entryOf({ request: { url: text } }), { record: 1, pages: new Map(), attachments: none }),
			null,
			text,
		);
});

t.test("cookies without a header field", async (t) => {
	const cookies = [{ name: "a", value: "1" }];
	t.equal(flowOf({ request: { cookies } }).request.headers.get("cookie"), "a=1");
	t.equal(flowOf({ request: { cookies, headers: [["Cookie", "b=2"]] } }).request.headers.get("cookie"), "b=2");
	t.same(flowOf({ response: { cookies } }).response?.headers.getAll("set-cookie"), ["a=1"]);
});

t.test("a failure is not a response", async (t) => {
	for (const [response, message] of [
		[{ status: 0, _error: "net::ERR_FAILED" }, "net::ERR_FAILED"],
		[{ status: -1, _failureText: "net::ERR_ABORTED" }, "net::ERR_ABORTED"],
		[{ status: 0, _error: null, statusText: null, httpVersion: null }, "there was no response"],
	] as const) {
		const flow = flowOf({ response: { content: { size: 0, mimeType: "x-unknown" }, ...response } });
		t.equal(flow.response, null);
		t.same(flow.error, { message, timestamp: 1_714_637_730.133 });
	}
	for (const status of [0, -1]) {
		const pushed = flowOf({
			response: { status, headers: [{ name: "Content-Type", value: "text/css" }], content: { size: 4, text: "a{}b" } },
		});
		t.match(
			pushed,
			{ response: { statusCode: 0, text: "a{}b" }, error: null },
			"Firefox has pushed ones without a status",
		);
	}
	const broken = flowOf({ response: { _error: "net::ERR_INCOMPLETE_CHUNKED_ENCODING" } });
	t.equal(broken.response?.statusCode, 200);
	t.match(broken.error, { message: /INCOMPLETE/ });
});

t.test("WebSockets", async (t) => {
	const messages = [
		{ type: "send", time: 1.5, opcode: 1, data: "hé" },
		{ type: "receive", time: 2, opcode: 2, data: "AP8=" },
		{ type: "receive", time: 3, opcode: 8, data: "A+g=" },
		{ type: "error", time: 4, opcode: -1, data: "reset" },
	];
	const flow = flowOf({ response: { status: 101 }, _resourceType: "websocket", _webSocketMessages: messages });
	t.match(flow.websocket?.messages, [
		{ opcode: 1, fromClient: true, content: Buffer.from("hé"), timestamp: 1.5 },
		{ opcode: 2, fromClient: false, content: Buffer.of(0, 255), timestamp: 2 },
	]);
	t.equal(flow.websocket?.messages.length, 2);
	t.same(flow.metadata, {}, "what follows from the messages needs no note");
	t.equal(flowOf({ response: { status: 0 }, _webSocketMessages: [] }).websocket, null);
	for (const status of [200, 403, 0]) {
		const other = flowOf({ response: { status }, _webSocketMessages: messages });
		t.equal(other.websocket?.messages.length, 2, `kept beside status ${status}`);
		t.strictSame(writeEntry(other).entry._webSocketMessages, messages.slice(0, 2), "in the next HAR too");
	}
});

t.test("data of a binary WebSocket message that is not base64 is read as text, and reported", async (t) => {
	const reported: string[] = [];
	const data = ["AP8=", "not base64", "YQ==YWJj", "é"];
	const entry = entryOf({
		response: { status: 101 },
		_webSocketMessages: data.map((each) => ({ type: "send", time: 1, opcode: 2, data: each })),
	});
	const odd = (_: string, what: string) => void reported.push(what);
	const flow = readEntry(entry, { record: 1, pages: new Map(), attachments: none, odd });
	t.same(
		flow?.websocket?.messages.map(({ content }) => content),
		[Buffer.of(0, 255), ...data.slice(1).map((each) => Buffer.from(each))],
	);
	t.same(reported, [
		'"_webSocketMessages[1].data": expected base64, found "not base64"; read as plain text',
		'"_webSocketMessages[2].data": expected base64, found "YQ==YWJj"; read as plain text',
		'"_webSocketMessages[3].data": expected base64, found "é"; read as plain text',
	]);
});

t.test("a cut-off body gives a cut-off flow, also in the next HAR", async (t) => {
	const headers = [{ name: "Content-Length", value: "500" }];
	const { flow, reported } = oddOf(entryOf({ response: { headers, content: { size: 500, text: "abc" } } }));
	t.equal(endOf(flow), "cut");
	t.match(flow, { response: { text: "abc" }, error: { message: /shorter than its sizes/ } });
	t.match(reported, [
		/"response.content.text": expected a body of 500 bytes, found "abc"; read as cut off after 3 bytes/,
	]);
	const again = readEntry(writeEntry(flow).entry, { record: 1, pages: new Map(), attachments: none }) as HttpFlow;
	t.equal(endOf(again), "cut");
	t.match(again, { response: { text: "abc" }, error: flow.error });
});

t.test("a flow that ended before its body began is the same when it is read again", async (t) => {
	for (const ended of ["cut", "client"] as const) {
		const flow = flowOf({
			response: { _error: "reset", content: { size: 0 }, headers: [{ name: "Content-Length", value: "500" }] },
		});
		flow.ended = ended;
		const again = readEntry(writeEntry(flow).entry, { record: 1, pages: new Map(), attachments: none });
		t.match(again, { ended: ended === "cut" ? null : ended, response: { rawContent: Buffer.alloc(0) } });
	}
});

t.test("other fields are kept as notes", async (t) => {
	const pages = new Map([["p", { id: "p", title: "Shop" }]]);
	const parts = {
		pageref: "p",
		_priority: "High",
		request: { bodySize: 7 },
		response: { bodySize: 40, _transferSize: 99 },
		timings: { blocked: 1 },
	};
	t.strictSame(flowOf(parts, 1, pages).metadata, {
		har: {
			entry: { pageref: "p", _priority: "High" },
			response: { _transferSize: 99 },
			timings: { blocked: 1 },
			requestSize: { wire: 7, made: -1 },
			responseSize: { wire: 40, made: 2 },
			page: { id: "p", title: "Shop" },
		},
	});
	flowOf({ _page: { id: "q" } }, 1, pages);
	t.ok(pages.has("q"));
});

/** The flow of an entry with odd fields, and the reports. */
function oddOf(
	entry: JsonObject,
	context: Partial<Parameters<typeof readEntry>[1]> = {},
): { flow: HttpFlow; reported: string[] } {
	const reported: string[] = [];
	const flow = readEntry(entry, {
		record: 1,
		pages: new Map(),
		attachments: none,
		odd: (_, what) => reported.push(what),
		...context,
	});
	if (flow === null) throw new Error("expected a flow");
	return { flow, reported };
}

t.test("an odd field is converted if its meaning is clear, and reported", async (t) => {
	for (const [parts, expected, why] of [
		[
			{ response: { status: "200" } },
			{ response: { statusCode: 200 } },
			/"response.status": expected a number, found "200"; read as 200/,
		],
		[
			{ response: { status: null } },
			{ response: { statusCode: 0, text: "hi" } },
			/"response.status": expected .*, found null/,
		],
		[{ response: { status: 1e9 } }, { response: { statusCode: 0 } }, /a status of three digits/],
		[
			{ response: { content: "hello" } },
			{ response: { text: "hello" } },
			/"response.content": expected an object, found "hello"/,
		],
		[
			{ request: { headers: [{ name: "a", value: ["x", "y"] }] } },
			{ request: { headers: { fields: ["a", "x", "a", "y"] } } },
			/"request.headers\[0\].value": expected .*, found a list/,
		],
		[
			{ request: { headers: [{ name: "a", value: 5 }] } },
			{ request: { headers: { fields: ["a", "5"] } } },
			/value": expected .*, found 5/,
		],
		[
			{ request: { headers: { "x-a": "b" } } },
			{ request: { headers: { fields: ["x-a", "b"] } } },
			/"request.headers": expected .*, found an object/,
		],
		[
			{ request: { headers: ["X-A: b:c"] } },
			{ request: { headers: { fields: ["X-A", "b:c"] } } },
			/headers\[0\]": expected .*, found "X-A: b:c"/,
		],
		[
			{ request: { headers: [{ name: "a" }, { value: "b" }] } },
			{ request: { headers: { fields: ["a", ""] } } },
			/found nothing/,
		],
		[
			{ request: { method: null } },
			{ request: { method: "GET" } },
			/"request.method": expected a string, found null; read as GET/,
		],
		[{ time: "10 ms" }, { response: { timestampEnd: 1_714_637_730.133 } }, /"time": expected a number, found "10 ms"/],
		[
			{ timings: { blocked: "3", send: "1", wait: "2", receive: "1" } },
			{ response: { timestampEnd: 1_714_637_730.13 } },
			/"timings.blocked": expected a number, found "3"/,
		],
		[
			{ serverIPAddress: 127 },
			{ serverConn: { peername: null } },
			/"serverIPAddress": expected an IP address, found 127; left out/,
		],
		[
			{ startedDateTime: 1_714_637_730_123 },
			{ timestampCreated: 1_714_637_730.123 },
			/"startedDateTime": expected .*, found 1714637730123/,
		],
		[
			{ response: { status: 101 }, _webSocketMessages: [1] },
			{ websocket: { messages: [] } },
			/"_webSocketMessages\[0\]": expected .*, found 1/,
		],
	] as const) {
		const { flow, reported } = oddOf(entryOf(parts as never));
		t.match(flow, expected, why.source);
		t.match(reported[0], why);
	}
	const alone = oddOf({ request: { method: "GET", url: "http://a.example/odd" } });
	t.match(alone.flow, { response: null, error: { message: "there was no response" } });
	t.match(alone.reported, [
		/"response": expected .*, found nothing/,
		/"startedDateTime": expected .*, found nothing; read as 1970/,
	]);
	const { startedDateTime: _, ...timeless } = entryOf({ pageref: "p" });
	t.equal(oddOf(timeless, { started: 5e6 }).flow.timestampCreated, 5, "the time of the entry before");
	t.equal(
		oddOf(timeless, { pages: new Map([["p", { id: "p", startedDateTime: "2024-01-01T00:00:00Z" }]]) }).flow
			.timestampCreated,
		1_704_067_200,
	);
	t.match(oddOf({ ...timeless, startedDateTime: "soon" }).reported, [/expected a date in ISO 8601, found "soon"/]);
});

const ODD = [
	null,
	"",
	"odd",
	"NaN",
	"-1",
	0,
	-1,
	7,
	1e300,
	-1e300,
	0.5,
	true,
	false,
	[],
	[[]],
	[null],
	["x"],
	[5],
	[{}],
	{},
	{ a: { b: [1] } },
	"\ud800",
	"9".repeat(400),
];
const DELETED = Symbol("deleted");

/** The path of every value within another. */
function placesIn(value: unknown, path: readonly string[] = []): string[][] {
	const inner =
		typeof value === "object" && value !== null
			? Object.entries(value).flatMap(([key, each]) => placesIn(each, [...path, key]))
			: [];
	return path.length === 0 ? inner : [[...path], ...inner];
}

function changed(entry: JsonObject, path: readonly string[], value: unknown): JsonObject {
	const copy = structuredClone(entry);
	const last = path.at(-1) as string;
	const holder = path
		.slice(0, -1)
		.reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, copy);
	if (value === DELETED) delete holder[last];
	else holder[last] = value;
	return copy;
}

t.test("no value of a field makes the entry unreadable", async (t) => {
	const whole: JsonObject = {
		startedDateTime: "2024-05-02T08:15:30.123Z",
		time: 10,
		pageref: "p",
		serverIPAddress: "192.0.2.1",
		connection: "80",
		comment: "c",
		cache: { comment: "" },
		_id: "i",
		_error: "e",
		_initiator: { type: "script" },
		_page: { id: "p", title: "t" },
		request: {
			method: "POST",
			url: "https://a.example/x?q=1",
			httpVersion: "HTTP/1.1",
			headersSize: 10,
			bodySize: 3,
			comment: "c",
			headers: [{ name: "Host", value: "a.example", comment: "" }],
			queryString: [{ name: "q", value: "1" }],
			cookies: [{ name: "a", value: "b" }],
			postData: {
				mimeType: "application/x-www-form-urlencoded",
				params: [{ name: "a", value: "b", fileName: "f", contentType: "t" }],
				text: "a=b",
				encoding: "",
				_file: null,
			},
		},
		response: {
			status: 101,
			statusText: "OK",
			httpVersion: "h2",
			redirectURL: "",
			headersSize: -1,
			bodySize: 2,
			_error: null,
			_failureText: null,
			_transferSize: 9,
			headers: [{ name: "Content-Type", value: "text/plain" }],
			cookies: [
				{
					name: "a",
					value: "b",
					path: "/",
					domain: "a",
					expires: "2030-01-01T00:00:00Z",
					httpOnly: true,
					secure: true,
					sameSite: "Lax",
				},
			],
			content: {
				size: 2,
				compression: 0,
				mimeType: "text/plain",
				text: "aGk=",
				encoding: "base64",
				comment: "",
				_asSent: false,
			},
		},
		timings: { blocked: 1, dns: 1, connect: 2, ssl: 1, send: 1, wait: 2, receive: 3, _blocked_queueing: 1 },
		_webSocketMessages: [{ type: "send", time: 1.5, opcode: 1, data: "x" }],
	};
	const places = placesIn(whole).filter((path) => path.join(".") !== "request" && path.join(".") !== "request.url");
	const check = (entry: JsonObject, name: string): void => {
		const { flow } = oddOf(entry);
		// what is read late is read here
		const numbers = [
			flow.timestampCreated,
			flow.request.timestampEnd,
			flow.response?.timestampEnd ?? 0,
			flow.serverConn.timestampStart ?? 0,
			flow.clientConn.timestampEnd ?? 0,
		];
		if (!numbers.every((number) => Number.isFinite(number))) t.fail(`${name}: ${numbers}`);
		const written = JSON.stringify({
			log: { version: "1.2", creator: { name: "x", version: "1" }, entries: [writeEntry(flow).entry] },
		});
		t.same(
			harViolations(written).filter((line) => !/pageref names|surrogates/.test(line)),
			[],
			name,
		);
		readEntry(JSON.parse(written).log.entries[0], { record: 1, pages: new Map(), attachments: none });
	};
	for (const path of places)
		for (const value of [DELETED, ...ODD])
			check(changed(whole, path, value), `${path.join(".")} = ${String(JSON.stringify(value))}`);
	fc.assert(
		fc.property(
			fc.array(fc.tuple(fc.constantFrom(...places), fc.jsonValue()), { minLength: 1, maxLength: 4 }),
			(changes) => {
				let entry = whole;
				for (const [path, value] of changes) {
					const isThere = path
						.slice(0, -1)
						.reduce<unknown>(
							(at, key) => (typeof at === "object" && at !== null ? (at as JsonObject)[key] : undefined),
							entry,
						);
					if (typeof isThere === "object" && isThere !== null) entry = changed(entry, path, value);
				}
				check(entry, JSON.stringify(changes));
			},
		),
		{ numRuns: 500, seed: 1 },
	);
});

t.test("entries that cannot become flows", async (t) => {
	for (const [entry, why] of [
		[entryOf({ request: { url: "/a" } }), /"request.url": expected an absolute URL, found "\/a"/],
		[entryOf({ request: { url: "https://" } }), /an absolute URL/],
		[entryOf({ request: { url: null } }), /"request.url": expected an absolute URL.*, found null/],
		[{ ...entryOf(), request: null }, /"request": expected an object, found null/],
		[{ ...entryOf(), request: [] }, /"request": expected an object, found a list/],
		[{}, /"request": expected .*, found nothing/],
		[null, /expected an entry .*, found null/],
		[5, /expected an entry .*, found 5/],
	] as const)
		t.throws(() => readEntry(entry as never, { record: 1, pages: new Map(), attachments: none }), {
			code: "FT_CORRUPT_FLOW",
			message: why,
		});
});
