// Rows of messages: large ones are compressed; missing and damaged ones are reported and left out.
import { randomBytes } from "node:crypto";
import t from "tap";
import { httpFlow, STARTED, tcpFlow } from "../../../../fixtures/build-flow.ts";
import { MemoryParts } from "../../../../fixtures/memory-parts.ts";
import { decodeFlow, encodeFlow } from "../../../../src/store/record/codec.ts";
import type { MessageRow } from "../../../../src/store/record/flow-row.ts";
import { encodeMessages } from "../../../../src/store/record/messages.ts";
import { sealMessage } from "../../../../src/store/record/row-sum.ts";

t.test("a large message is compressed if that makes it smaller, and is restored", async (t) => {
	const small = Buffer.alloc(64 * 1024, "s");
	const large = Buffer.alloc(300_000, "large ");
	const random = randomBytes(100_000);
	const parts = new MemoryParts();
	const contents = [small, large, random];
	const messages = contents.map((content) => ({
		opcode: 2,
		fromClient: true,
		content,
		timestamp: STARTED,
		dropped: true,
		injected: false,
	}));
	const websocket = { messages, closedByClient: null, closeCode: null, closeReason: null, timestampEnd: null };
	const flows = [
		httpFlow({ websocket }),
		tcpFlow({ messages: contents.map((content) => ({ fromClient: true, content, timestamp: STARTED })) }),
	];
	for (const flow of flows) {
		parts.messages = encodeMessages(flow);
		t.strictSame(
			parts.messages.map(({ bytes, flags }) => [bytes.length < 10_000, flags & 4]),
			[
				[false, 0],
				[true, 4],
				[false, 0],
			],
		);
		const row = encodeFlow(flow, null, parts);
		const read = () => {
			const back = decodeFlow(1, row, parts);
			return (back.type === "http" ? (back.websocket?.messages ?? []) : back.type === "dns" ? [] : back.messages).map(
				({ content }) => content,
			);
		};
		t.strictSame(read(), contents);
		(parts.messages[1] as MessageRow).bytes = Buffer.from("not compressed");
		t.strictSame(read(), [small, random]);
		t.equal(parts.damage.length, 1);
		parts.damage.length = 0;
	}
});

t.test("a missing message is reported", async (t) => {
	const parts = new MemoryParts();
	const flow = tcpFlow({
		messages: ["one", "two", "three"].map((text) => ({ fromClient: true, content: Buffer.from(text), timestamp: 1 })),
	});
	const row = encodeFlow(flow, null, parts);
	const rows = encodeMessages(flow).map((message, n) => ({ ...message, n }));
	parts.readMessages = () => rows.filter(({ n }) => n !== 1);
	const back = decodeFlow(1, row, parts);
	t.same(back.type === "tcp" && back.messages.map(({ content }) => content.toString()), ["one", "three"]);
	t.same(parts.damage, ["1: the list of its messages"]);
});

t.test("a message whose checksum does not match is reported and left out; older rows have no checksum", async (t) => {
	const parts = new MemoryParts();
	const contents = ["one", "two", "three"].map((text) => Buffer.from(text));
	const flow = tcpFlow({
		messages: contents.map((content) => ({ fromClient: true, content, timestamp: Number.NaN })),
	});
	parts.messages = encodeMessages(flow).map((message, n) => sealMessage(1, n, message));
	t.same(new Set(parts.messages.map(({ at }) => at)), new Set([0]), "NaN is not stored");
	const row = encodeFlow(flow, null, parts);
	const read = () => {
		const back = decodeFlow(1, row, parts);
		return back.type === "tcp" ? back.messages.map(({ content }) => content.toString()) : [];
	};
	t.same(read(), ["one", "two", "three"]);
	(parts.messages[1] as MessageRow).bytes = Buffer.from("twi");
	t.same(read(), ["one", "three"]);
	t.equal(parts.damage.length, 1);
	(parts.messages[1] as MessageRow).flags = 0;
	t.same(read(), ["one", "twi", "three"]);
});
