// A message's body on its way through an exchange.
import t from "tap";
import { httpResponse } from "../../../../fixtures/build-flow.ts";
import { MessageBody } from "../../../../src/proxy/body/message-body.ts";

const nowhere = { keep: true, openSpool: () => null };
const length = { kind: "length", length: 4 } as const;

/** A body of "body" that has come as a whole, and its message. */
function whole() {
	const passage = new MessageBody(length);
	passage.relay.push(Buffer.from("body"));
	passage.relay.end(null);
	passage.isEnded = true;
	return { passage, message: httpResponse({ body: passage.relay.body() }) };
}

/** What a receiver gets of it. */
function sent(passage: MessageBody): string {
	const got: string[] = [];
	passage.relay.open({ write: (chunk) => void got.push(chunk.toString()), end: (trailers) => void got.push(`end ${trailers}`) });
	return got.join(" ");
}

t.test("the size that is to be expected", async (t) => {
	const passage = new MessageBody(length);
	t.equal(passage.expectedSize, 4, "as said");
	t.equal(new MessageBody({ kind: "chunked" }).expectedSize, 0, "not said");
	passage.relay.push(Buffer.alloc(10));
	t.equal(passage.expectedSize, 10, "as come");
});

t.test("an HTTP/2 message that said it would have no body, and had none, has a length", async (t) => {
	const settled = (headers: [string, string][], trailers: [string, string][] | null = null) => {
		const passage = new MessageBody({ kind: "chunked" });
		passage.relay.end(null);
		passage.isEnded = true;
		return passage.settle(httpResponse({ headers, trailers, body: passage.relay.body() }), false);
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

t.test("whether anything has come: bytes, or the end of an empty one", async (t) => {
	const passage = new MessageBody(length);
	t.equal(passage.hasCome, false);
	passage.relay.push(Buffer.from("b"));
	t.equal(passage.hasCome, true);
	const empty = new MessageBody(length);
	empty.isEnded = true;
	t.equal(empty.hasCome, true);
});

t.test("what nobody changed goes as it came", async (t) => {
	const { passage, message } = whole();
	t.strictSame(passage.settle(message, false), { framing: length });
	t.strictSame(passage.settle(message, true), { framing: length }, "whoever looked at it");
	t.equal(sent(passage), "body end null");
});

t.test("what is still to come goes as it comes, whoever looked at its head", async (t) => {
	t.strictSame(new MessageBody(length).settle(httpResponse({ body: null }), true), { framing: length });
});

t.test("another body takes its place", async (t) => {
	const { passage, message } = whole();
	message.rawContent = Buffer.from("another");
	t.strictSame(passage.settle(message, false), { framing: length }, "not where nobody may have changed it");
	t.strictSame(passage.settle(message, true), { size: 7 });
	t.equal(passage.framing, null);
	t.equal(sent(passage), "another end null");
});

t.test("a hook's own message, with trailers or without a body", async (t) => {
	const passage = new MessageBody(null);
	t.strictSame(passage.settle(httpResponse({ body: "made", trailers: [["A", "b"]] }), false), { size: 4 });
	t.equal(sent(passage), "made end A,b");
	t.strictSame(new MessageBody(null).settle(httpResponse({ body: null }), false), { size: 0 });
});

t.test("one that passes has no known length once a script changes it", async (t) => {
	const passage = new MessageBody(length);
	passage.pass(true, nowhere);
	t.equal(passage.isPassing, true);
	t.strictSame(passage.framing, length);
	const changed = new MessageBody(length);
	changed.pass((chunk) => Buffer.from(chunk.toString().toUpperCase()), nowhere);
	t.strictSame(changed.framing, { kind: "chunked" });
	changed.relay.push(Buffer.from("loud"));
	changed.relay.end(null);
	t.equal(sent(changed), "LOUD end null");
});
