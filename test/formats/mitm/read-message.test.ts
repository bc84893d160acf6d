// Reads requests, responses and messages, with required and optional fields.
import t from "tap";
import { dumpOf, minimalRecord, opened } from "../../../fixtures/dump-records.ts";
import { readDns, readMessages, readRequest, readResponse, readWebSocket } from "../../../formats/mitm/read-message.ts";
import { type Dictionary, Reader, type Value } from "../../../formats/mitm/tnetstring.ts";
import { Float } from "../../../src/flow/metadata.ts";

const request = minimalRecord().request as Dictionary;
const { method: _, scheme: __, host: ___, port: ____, path: _____, ...head } = request;
const response: Dictionary = { ...head, status_code: 200, reason: Buffer.from("OK") };

t.test("a minimal request", async (t) => {
	const least = readRequest(opened(request));
	t.match(least, {
		method: "GET",
		url: "http://a/",
		authority: "",
		trailers: null,
		timestampStart: 1.5,
		timestampEnd: null,
	});
	t.same(least.headers.fields, ["A", "b"]);
	t.equal(least.rawContent, null);
	const more = readRequest(
		opened({
			...request,
			content: Buffer.from("x"),
			trailers: [["T", "v"]],
			authority: null,
			timestamp_end: new Float(2),
			shiny: [1],
		}),
	);
	t.match(more, { rawContent: Buffer.from("x"), timestampEnd: 2, extra: { shiny: [1] } });
	t.same(more.trailers?.fields, ["T", "v"]);
});

t.test("a response", async (t) => {
	t.match(readResponse(opened(response)), { statusCode: 200, reason: "OK" });
	t.match(readResponse(opened({ ...response, reason: null })), { reason: "" });
	t.equal(readResponse(opened(null)), null);
	t.equal(readResponse(opened({})), null);
});

t.test("errors name missing fields and fields of another type", async (t) => {
	for (const field of ["method", "scheme", "host", "port", "path", "http_version", "headers", "timestamp_start"]) {
		const { [field]: _, ...rest } = request;
		t.throws(() => readRequest(opened(rest)), { code: "FT_CORRUPT_FLOW", message: `"request.${field}" is missing` });
		t.throws(() => readRequest(opened({ ...request, [field]: null })), {
			code: "FT_CORRUPT_FLOW",
			message: new RegExp(`"request\\.${field}": expected .*, found null`),
		});
	}
	for (const [fields, message] of [
		[{ headers: [[Buffer.from("A")]] }, /"request\.headers": expected a pair of name and value/],
		[{ headers: [["A", "b", "c"]] }, /only a pair/],
		[{ headers: ["A"] }, /"request\.headers": expected .*, found the text "A"/],
		[{ headers: [["A", 5]] }, /"request\.headers": expected .*, found the number 5/],
		[{ content: "text" }, /"request\.content": expected bytes, found the text "text"/],
		[{ timestamp_start: "noon" }, /expected a number/],
	] as const)
		t.throws(() => readRequest(opened({ ...request, ...(fields as unknown as Dictionary) })), {
			code: "FT_CORRUPT_FLOW",
			message,
		});
	t.throws(() => readResponse(opened({ ...head })), { message: '"response.status_code" is missing' });
});

t.test("WebSocket conversations", async (t) => {
	t.equal(readWebSocket(opened(null)), null);
	const data = readWebSocket(
		opened({
			messages: [
				[2, true, Buffer.from("x"), 5, true, true],
				[1, false, Buffer.from("y"), 6.5],
			],
			closed_by_client: false,
			close_code: 1000,
			close_reason: "bye",
			timestamp_end: 7,
		}),
	);
	t.match(data, {
		messages: [
			{ opcode: 2, fromClient: true, content: Buffer.from("x"), timestamp: 5, dropped: true, injected: true },
			{ opcode: 1, fromClient: false, timestamp: 6.5, dropped: false, injected: false },
		],
		closedByClient: false,
		closeCode: 1000,
		closeReason: "bye",
		timestampEnd: 7,
	});
	t.match(readWebSocket(opened({ messages: [], closed_by_client: null })), { closedByClient: null, closeCode: null });
	for (const messages of [5, [5], [[1, true]], [[1, true, "text", 5]], [["1", true, Buffer.of(1), 5]]] as Value[])
		t.throws(() => readWebSocket(opened({ messages })), { code: "FT_CORRUPT_FLOW", message: /messages/ });
});

t.test("chunks and datagrams", async (t) => {
	t.match(
		readMessages(
			opened([
				[true, Buffer.from("x"), 5],
				[false, Buffer.from("y")],
			]),
		),
		[
			{ fromClient: true, content: Buffer.from("x"), timestamp: 5 },
			{ fromClient: false, timestamp: 0 },
		],
	);
	t.throws(() => readMessages(opened([[true, "x"]])), { code: "FT_CORRUPT_FLOW" });
});

t.test("DNS", async (t) => {
	const question = { name: "a.example", type: 1, class_: 1 };
	const record = { ...question, ttl: 60, data: Buffer.of(1, 2, 3, 4) };
	const flags = {
		query: true,
		authoritative_answer: true,
		truncation: true,
		recursion_desired: true,
		recursion_available: true,
	};
	const fields = {
		id: 7,
		op_code: 2,
		reserved: 1,
		response_code: 3,
		...flags,
		questions: [question],
		answers: [record],
		authorities: [],
		additionals: [record],
		timestamp: 5,
	};
	const known = { name: "a.example", type: 1, class: 1 };
	t.match(readDns(opened(fields)), {
		id: 7,
		opCode: 2,
		reserved: 1,
		responseCode: 3,
		query: true,
		authoritativeAnswer: true,
		truncation: true,
		recursionDesired: true,
		recursionAvailable: true,
		questions: [known],
		answers: [{ ...known, ttl: 60, data: Buffer.of(1, 2, 3, 4) }],
		additionals: [known],
		timestamp: 5,
	});
	t.throws(() => readDns(opened({ query: true })), { message: /id of a DNS message/ });
	t.throws(() => readDns(opened({ id: "x" })), { code: "FT_CORRUPT_FLOW" });
	t.throws(() => readDns(opened({ id: 1, answers: [{ ttl: "x" }] })), { message: /ttl/ });
});

t.test("optional fields of the wrong type are left out and reported", async (t) => {
	const reported: string[] = [];
	const lenient = (value: Value) => opened(value, (_, what) => void reported.push(what));
	const takeReported = () => reported.splice(0).map((what) => what.replace(/^"(?:request|response|websocket)\./, '"'));
	const pairs: Value = [["A", "b"], ["A", 5], 5, ["A"], ["C", "d", "e"], ["F", "g"]];
	const odd = {
		...request,
		http_version: 1.1,
		authority: 5,
		headers: pairs,
		content: [],
		trailers: 5,
		timestamp_start: null,
		timestamp_end: "x",
	};
	const left = readRequest(lenient(odd));
	t.match(left, {
		method: "GET",
		authority: "",
		httpVersion: "HTTP/1.1",
		body: null,
		trailers: null,
		timestampStart: 0,
		timestampEnd: null,
	});
	t.same(left.headers.fields, ["A", "b", "F", "g"]);
	t.same(takeReported().sort(), [
		'"authority": expected bytes, found the number 5; left out',
		'"content": expected bytes, found a list; left out',
		'"headers": expected a pair of name and value, found the number 5; left out',
		'"headers": expected a pair of name and value, found the text "A"; left out',
		'"headers": expected bytes, found the number 5; left out',
		'"headers": expected only a pair of name and value, found the text "d"; left out',
		'"http_version" is missing; read as HTTP/1.1',
		'"http_version": expected bytes, found the number 1.1; left out',
		'"timestamp_end": expected a number, found the text "x"; left out',
		'"timestamp_start" is missing; read as 0',
		'"timestamp_start": expected a number, found null; left out',
		'"trailers": expected a list of pairs, found the number 5; left out',
	]);
	t.match(readResponse(lenient({ ...response, reason: 5, content: "text" })), {
		statusCode: 200,
		reason: "",
		body: Buffer.from("text"),
	});
	t.same(takeReported(), [
		'"reason": expected bytes, found the number 5; left out',
		'"content": expected bytes, found the text "text"; read as its bytes',
	]);
	const talk = readWebSocket(
		lenient({
			messages: [[1, true, "hi", "noon", 5, 5]],
			closed_by_client: 5,
			close_code: "x",
			close_reason: 5,
			timestamp_end: "x",
		}),
	);
	t.match(talk, {
		messages: [{ content: Buffer.from("hi"), timestamp: 0, dropped: false, injected: false }],
		closedByClient: null,
		closeCode: null,
	});
	t.equal(takeReported().length, 8);
	t.match(readMessages(lenient([[true, Buffer.from("x"), "noon"]])), [{ content: Buffer.from("x"), timestamp: 0 }]);
	t.match(readDns(lenient({ id: 1, query: true, op_code: "x", truncation: 5, timestamp: "x" })), {
		opCode: 0,
		truncation: false,
		timestamp: null,
	});
	reported.length = 0;
	for (const field of ["method", "scheme", "host", "port", "path", "headers"])
		t.throws(() => readRequest(lenient({ ...request, [field]: null })), {
			code: "FT_CORRUPT_FLOW",
			message: new RegExp(`"request\\.${field}": expected .*, found null`),
		});
	t.throws(() => readResponse(lenient({ ...response, status_code: "200" })), { code: "FT_CORRUPT_FLOW" });
	t.throws(() => readWebSocket(lenient({ messages: [["1", true, Buffer.of(1), 5]] })), { code: "FT_CORRUPT_FLOW" });
	t.throws(() => readMessages(lenient([[true, 5]])), { code: "FT_CORRUPT_FLOW" });
	t.throws(() => readDns(lenient({ id: 1, answers: [{ ttl: "x" }] })), { code: "FT_CORRUPT_FLOW" });
	t.same(reported, []);
});

t.test("damage is not an odd value", async (t) => {
	const pairs: Value = [
		["A", true],
		["B", "c"],
	];
	const whole = dumpOf({ ...request, headers: pairs, authority: 443, timestamp_end: 2.25 }).latin1Slice();
	const reported: string[] = [];
	const read = (bytes: Buffer) => {
		reported.length = 0;
		const reader = new Reader(bytes, 0, (_, what) => void reported.push(what));
		reader.open(bytes.length);
		return readRequest(reader);
	};
	t.same(read(Buffer.from(whole, "latin1")).headers.fields, ["B", "c"]);
	t.equal(reported.length, 2);
	for (const [from, to] of [
		["2.25^", "2.x5^"],
		["2.25^", "2.25~"],
		["2.25^", "2.25V"],
		["3:443#", "3:443!"],
		["3:443#", "3:4a3#"],
		["3:443#", '3:443"'],
		["4:true!", "4:tree!"],
		["4:true!", "4:true)"],
		["1:A;4:true!]", "1:A;4:true!Y"],
		["timestamp_end;", "timestamp_end?"],
	] as [string, string][]) {
		t.ok(whole.includes(from), from);
		const broken = Buffer.from(whole.replace(from, to), "latin1");
		t.throws(() => read(broken), { code: "FT_CORRUPT_FLOW" }, to);
	}
});

t.test("damage in a field that is not read is found too", async (t) => {
	const damaged = (value: Value) => {
		const bytes = Buffer.from(dumpOf(value).latin1Slice().replace("2.25^", "2.x5^"), "latin1");
		const reader = new Reader(bytes, 0, (_, what) => t.fail(what));
		reader.open(bytes.length);
		return reader;
	};
	for (const read of [
		() => readWebSocket(damaged({ messages: [], more: 2.25 })),
		() => readWebSocket(damaged({ messages: [[1, true, Buffer.of(1), 5, false, false, 2.25]] })),
		() => readMessages(damaged([[true, Buffer.of(1), 5, 2.25]])),
		() => readDns(damaged({ id: 1, more: 2.25 })),
		() => readDns(damaged({ id: 1, questions: [{ name: "a", more: 2.25 }] })),
	])
		t.throws(read, { code: "FT_CORRUPT_FLOW", message: /expected a number/ });
});
