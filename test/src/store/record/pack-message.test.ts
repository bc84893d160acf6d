// The parts of a head are restored; anything else is damage.
import t from "tap";
import { dnsFlow, httpRequest, httpResponse } from "../../../../fixtures/build-flow.ts";
import { Headers } from "../../../../src/flow/headers.ts";
import type { Packed } from "../../../../src/store/record/msgpack.ts";
import {
	packDns,
	packRequest,
	packResponse,
	packWebSocket,
	unpackDns,
	unpackRequest,
	unpackResponse,
	unpackWebSocket,
} from "../../../../src/store/record/pack-message.ts";

const corrupt = { code: "FT_CORRUPT_FLOW" };
const noColumns = { method: null, scheme: null, host: null, port: null, path: null };

t.test("requests and responses", async (t) => {
	const headers = new Headers(["Host", "a", "X", "\xe9\xff", "x", ""]);
	const request = httpRequest({
		method: "G\xe9T",
		path: "/\xff?a",
		authority: "a:1",
		httpVersion: "HTTP/2.0",
		headers,
		trailers: new Headers(["T", "1"]),
	});
	t.same(unpackRequest(packRequest(request), request, request.body), request);
	const response = httpResponse({
		statusCode: 999,
		reason: "\xfc",
		timestampEnd: null,
		body: null,
		extra: { tail: [1, "x"] },
	});
	t.same(unpackResponse(packResponse(response), 999, null), response);
	t.match(unpackRequest(packRequest(request), noColumns, null), {
		method: "",
		host: "",
		port: 0,
		path: "",
		body: null,
	});
	t.equal(unpackResponse(packResponse(response), null, null).statusCode, 0);
});

t.test("damaged messages", async (t) => {
	const whole = packRequest(httpRequest());
	for (const [at, value] of [
		[0, 1],
		[1, null],
		[2, "text"],
		[2, ["odd"]],
		[2, ["a", 1]],
		[3, 0],
		[3, ["x"]],
		[4, null],
		[5, "x"],
	] as const)
		t.throws(() => unpackRequest(whole.with(at, value), noColumns, null), corrupt, `field ${at}`);
	for (const value of [null, 5, {}, []]) t.throws(() => unpackResponse(value, 200, null), corrupt);
});

t.test("WebSockets", async (t) => {
	const end = { closedByClient: false, closeCode: 1006, closeReason: "lost", timestampEnd: 5.5 };
	t.same(unpackWebSocket(packWebSocket({ ...end, messages: [] }, 0)), end);
	const open = { closedByClient: null, closeCode: null, closeReason: null, timestampEnd: null };
	t.same(unpackWebSocket(packWebSocket({ ...open, messages: [] }, null)), open);
	for (const packed of [
		null,
		[1, null, null, null],
		[null, "x", null, null],
		[null, null, 1, null],
		[null, null, null, "x"],
	])
		t.throws(() => unpackWebSocket(packed), corrupt);
});

t.test("DNS", async (t) => {
	const { request, response } = dnsFlow({
		response: { additionals: [{ name: "a", type: 41, class: 1232, ttl: 0, data: Buffer.of(1, 2) }] },
	});
	for (const message of [request, response] as const)
		t.same(unpackDns(packDns(message as NonNullable<typeof message>)), message);
	const whole = packDns(response as NonNullable<typeof response>);
	const wrong: readonly (readonly [number, unknown])[] = [
		...([
			[0, "x"],
			[1, 1],
			[2, null],
			[9, "now"],
			[10, null],
			[10, [1]],
			[10, [["a", "b", 1]]],
			[11, {}],
			[11, [["a", 1, 1, "ttl", Buffer.of(1)]]],
		] as const),
		...([
			[12, [["a", 1, 1, 5, "text"]]],
			[13, [null]],
		] as const),
	];
	for (const [at, value] of wrong) t.throws(() => unpackDns(whole.with(at, value)), corrupt, `field ${at}`);
	t.throws(() => unpackDns((whole as Packed).slice(0, 12)), corrupt);
	t.throws(() => unpackDns("text"), corrupt);
});
