// Messages assembled from frames.
import t from "tap";
import { defaults } from "../../../../src/options.ts";
import { BodyPolicy, options } from "../../../../src/proxy/body/policy.ts";
import { BINARY, CLOSE, CONTINUATION, PING, TEXT, writeFrame } from "../../../../src/proxy/websocket/frame.ts";
import { MessageReader, type RawMessage } from "../../../../src/proxy/websocket/message-reader.ts";

type Told = { opcode: number; compressed: boolean; payload: Buffer; fragments: number[] } | [number, string];

function reader(): { reported: Told[]; reader: MessageReader } {
	const reported: Told[] = [];
	const events = {
		message: ({ opcode, compressed, payload, fragments }: RawMessage) =>
			reported.push({ opcode, compressed, payload: payload.take(), fragments }),
		control: (opcode: number, payload: Buffer) => reported.push([opcode, payload.toString()]),
	};
	return { reported, reader: new MessageReader(events, null, new BodyPolicy(defaults(options))) };
}

const frame = (opcode: number, text: string, fin = true, rsv1 = false) =>
	writeFrame({ opcode, fin, rsv1 }, Buffer.from(text), true);

t.test("whole messages, fragments with control frames between them, empty ones", async (t) => {
	const stream = Buffer.concat([
		frame(TEXT, "whole"),
		frame(BINARY, "a", false, true),
		frame(PING, "p"),
		frame(CONTINUATION, "", false),
		frame(CONTINUATION, "bcd"),
		frame(TEXT, ""),
		frame(CLOSE, ""),
	]);
	for (const size of [1, 5, stream.length]) {
		const { reported, reader: one } = reader();
		for (let at = 0; at < stream.length; at += size) one.feed(stream.subarray(at, at + size));
		t.match(reported, [
			{ opcode: 1, compressed: false, payload: Buffer.from("whole"), fragments: [5] },
			[9, "p"],
			{ opcode: 2, compressed: true, payload: Buffer.from("abcd"), fragments: [1, 0, 3] },
			{ opcode: 1, payload: Buffer.alloc(0), fragments: [0] },
			[8, ""],
		]);
		t.equal(reported.length, 5);
	}
});

t.test("positions at which a message can be injected", async (t) => {
	const { reader: one } = reader();
	t.ok(one.idle);
	const bytes = frame(TEXT, "ab", false);
	one.feed(bytes.subarray(0, 3));
	t.notOk(one.idle, "not within a frame");
	one.feed(bytes.subarray(3));
	t.notOk(one.idle, "nor between fragments");
	one.feed(frame(CONTINUATION, "c"));
	t.ok(one.idle);
});

t.test("protocol violations", async (t) => {
	t.throws(() => reader().reader.feed(frame(CONTINUATION, "x")), { code: "FT_PROTOCOL" }, "nothing to continue");
	t.throws(
		() => reader().reader.feed(Buffer.concat([frame(TEXT, "x", false), frame(TEXT, "y")])),
		{ code: "FT_PROTOCOL" },
		"a message within another",
	);
	const { reader: one } = reader();
	const head = Buffer.alloc(10);
	head[0] = 0x82;
	head[1] = 127;
	head.writeBigUInt64BE(2n ** 40n, 2);
	one.feed(head);
	one.feed(Buffer.alloc(64 * 1024 * 1024));
	t.throws(() => one.feed(Buffer.alloc(1)), { code: "FT_PROTOCOL" }, "more than fits in memory");
});

t.test("many small frames are one message; a reader without a budget keeps no payload", async (t) => {
	const count = 200_000;
	const small = Buffer.concat([frame(BINARY, "x", false), ...Array(count - 2).fill(frame(CONTINUATION, "x", false))]);
	const { reader: one, reported } = reader();
	one.feed(small);
	one.feed(frame(CONTINUATION, "y"));
	t.equal((reported[0] as { payload: Buffer }).payload.length, count);
	const sizes: number[] = [];
	const counting = new MessageReader(
		{ message: ({ payload, fragments }) => sizes.push(payload.size + fragments.length), control: () => {} },
		null,
		null,
	);
	counting.feed(Buffer.concat([small, frame(CONTINUATION, "y"), frame(TEXT, "z")]));
	t.same(sizes, [0, 0]);
});
