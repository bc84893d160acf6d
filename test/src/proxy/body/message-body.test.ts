// The body of a message in an exchange.
import t from "tap";
import { httpResponse } from "../../../../fixtures/build-flow.ts";
import { MessageBody } from "../../../../src/proxy/body/message-body.ts";

const nowhere = { keep: true, openSpool: () => null };
const length = { kind: "length", length: 4 } as const;

/** A message with the complete body "body". */
function whole() {
	const body = new MessageBody(length);
	body.pipe.push(Buffer.from("body"));
	body.pipe.end(null);
	body.isEnded = true;
	return { body, message: httpResponse({ body: body.pipe.body() }) };
}

/** The bytes that a receiver gets. */
function sent(body: MessageBody): string {
	const got: string[] = [];
	body.pipe.open({
		write: (chunk) => void got.push(chunk.toString()),
		end: (trailers) => void got.push(`end ${trailers}`),
	});
	return got.join(" ");
}

t.test("the expected size", async (t) => {
	const body = new MessageBody(length);
	t.equal(body.expectedSize, 4, "as said");
	t.equal(new MessageBody({ kind: "chunked" }).expectedSize, 0, "not said");
	body.pipe.push(Buffer.alloc(10));
	t.equal(body.expectedSize, 10, "as come");
});

t.test("an HTTP/2 message that announced an empty body and ended without trailers keeps its length", async (t) => {
	const settled = (headers: [string, string][], trailers: [string, string][] | null = null) => {
		const body = new MessageBody({ kind: "chunked" });
		body.pipe.end(null);
		body.isEnded = true;
		return body.outgoingLength(httpResponse({ headers, trailers, body: body.pipe.body() }), false);
	};
	t.strictSame(settled([["content-length", "0"]]), { framing: { kind: "length", length: 0 } });
	t.strictSame(settled([["content-length", "0"]], [["grpc-status", "7"]]), { framing: { kind: "chunked" } });
	t.strictSame(settled([]), { framing: { kind: "chunked" } });
	const both: [string, string][] = [
		["content-length", "3"],
		["transfer-encoding", "chunked"],
	];
	t.strictSame(settled(both), { framing: { kind: "chunked" } }, "one of HTTP/1.1 has chunks all the same");
});

t.test("whether the body has started: bytes or an empty body's end have arrived", async (t) => {
	const body = new MessageBody(length);
	t.equal(body.hasStarted, false);
	body.pipe.push(Buffer.from("b"));
	t.equal(body.hasStarted, true);
	const empty = new MessageBody(length);
	empty.isEnded = true;
	t.equal(empty.hasStarted, true);
});

t.test("an unchanged body is sent as received", async (t) => {
	const { body, message } = whole();
	t.strictSame(body.outgoingLength(message, false), { framing: length });
	t.strictSame(body.outgoingLength(message, true), { framing: length }, "also after a hook read it");
	t.equal(sent(body), "body end null");
});

t.test("the rest of a body is streamed, even if hooks saw its head", async (t) => {
	t.strictSame(new MessageBody(length).outgoingLength(httpResponse({ body: null }), true), { framing: length });
});

t.test("another body replaces it", async (t) => {
	const { body, message } = whole();
	message.rawContent = Buffer.from("another");
	t.strictSame(body.outgoingLength(message, false), { framing: length }, "not if no hook can have changed it");
	t.strictSame(body.outgoingLength(message, true), { size: 7 });
	t.equal(body.framing, null);
	t.equal(sent(body), "another end null");
});

t.test("a hook's own message, with trailers or without a body", async (t) => {
	const body = new MessageBody(null);
	t.strictSame(body.outgoingLength(httpResponse({ body: "made", trailers: [["A", "b"]] }), false), { size: 4 });
	t.equal(sent(body), "made end A,b");
	t.strictSame(new MessageBody(null).outgoingLength(httpResponse({ body: null }), false), { size: 0 });
});

t.test("a streamed body that a script transforms has no known length", async (t) => {
	const body = new MessageBody(length);
	body.startStreaming(true, nowhere);
	t.equal(body.isStreamed, true);
	t.strictSame(body.framing, length);
	const changed = new MessageBody(length);
	changed.startStreaming((chunk) => Buffer.from(chunk.toString().toUpperCase()), nowhere);
	t.strictSame(changed.framing, { kind: "chunked" });
	changed.pipe.push(Buffer.from("loud"));
	changed.pipe.end(null);
	t.equal(sent(changed), "LOUD end null");
});
