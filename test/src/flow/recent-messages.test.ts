// The messages that stay in memory while a conversation is stored.
import t from "tap";
import { RecentMessages } from "../../../src/flow/recent-messages.ts";

const MIB = 1024 * 1024;

/** A conversation with a number of stored messages of one size. */
function conversation(count: number, size: number) {
	const messages: { content: Buffer }[] = [];
	const recent = new RecentMessages(messages);
	const content = Buffer.alloc(size);
	for (let i = 0; i < count; i++) {
		const message = { content };
		recent.add(message);
		recent.stored(message);
	}
	return { messages, recent, bytes: () => messages.length * size };
}

t.test("the latest messages, up to a number and a size", async (t) => {
	for (const [count, size, left] of [
		[10, 100, 10],
		[3000, 1, 1000],
		[100, MIB, 4],
		[3, 5 * MIB, 0],
		[5, 0, 5],
	] as const) {
		const { messages, recent } = conversation(count, size);
		t.equal(messages.length, left);
		recent.close();
	}
});

t.test("the limit for all conversations", async (t) => {
	const all = Array.from({ length: 200 }, () => conversation(40, 100_000));
	const kept = all.reduce((sum, { bytes }) => sum + bytes(), 0);
	t.ok(kept < 40 * MIB, `${kept} bytes are kept`);
	const small = conversation(10, 1000);
	t.equal(small.messages.length, 10, "each keeps a little");
	for (const { recent } of [...all, small]) recent.close();
	t.equal(conversation(30, 100_000).messages.length, 30, "what is over counts no more");
});

t.test("dropped messages are reported in order; messages that are not stored yet stay", async (t) => {
	const messages: { name: string; content: Buffer }[] = [];
	const dropped: string[] = [];
	const recent = new RecentMessages(messages, ({ name }) => dropped.push(name));
	const [first, second] = ["first", "second"].map((name) => ({ name, content: Buffer.alloc(5 * MIB) }));
	if (first === undefined || second === undefined) return;
	recent.add(first);
	recent.add(second);
	recent.stored(second);
	t.strictSame([dropped, messages.length], [[], 2]);
	recent.stored(first);
	t.strictSame([dropped, messages.length], [["first", "second"], 0]);
	recent.close();
});
