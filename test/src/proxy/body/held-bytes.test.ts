// Bytes that wait in memory or in a file; those in memory are counted.
import { readdirSync } from "node:fs";
import t from "tap";
import { limitFileSize, noFileSizeLimit } from "../../../../fixtures/file-size-limit.ts";
import { ownTemporaryFolder } from "../../../../fixtures/own-temporary-folder.ts";
import { HeldBytes } from "../../../../src/proxy/body/held-bytes.ts";

/** A memory budget that is full beyond `limit` bytes. */
function roomOf(limit: number) {
	return {
		waiting: 0,
		countWaiting(bytes: number) {
			this.waiting += bytes;
		},
		get isFull() {
			return this.waiting > limit;
		},
	};
}

const pieces = Array.from({ length: 100 }, (_, i) => Buffer.alloc(i % 3 === 0 ? 100 : 10_000, String(i % 10)));
const whole = Buffer.concat(pieces);

t.test("bytes come back whole or in slices, from memory and from a file", async (t) => {
	const left = ownTemporaryFolder(t);
	for (const limit of [Infinity, 100_000, 0]) {
		const room = roomOf(limit);
		const held = [new HeldBytes(room), new HeldBytes(room), new HeldBytes(room)] as const;
		let most = 0;
		for (const each of held)
			for (const piece of pieces) {
				each.add(piece);
				most = Math.max(most, room.waiting);
			}
		t.equal(held[0].size, whole.length);
		t.ok(most <= Math.max(limit, 3 * 64 * 1024) + 10_000 || limit === Infinity, `${most} bytes were in memory`);
		t.ok(held[0].take().equals(whole));
		t.ok(Buffer.concat([...held[1].slices()]).equals(whole));
		held[2].clear();
		t.same([room.waiting, held[0].size, held[0].take().length], [0, 0, 0]);
	}
	t.same(left(), []);
});

t.test("few bytes stay in memory, even if the budget is full", async (t) => {
	const room = roomOf(0);
	const held = new HeldBytes(room);
	held.add(Buffer.alloc(1000));
	t.equal(room.waiting, 1000);
	t.equal(held.take().length, 1000);
	t.equal(room.waiting, 0);
});

t.test("if no file can be created, the bytes stay in memory", async (t) => {
	const before = process.env.TMPDIR;
	process.env.TMPDIR = "/nowhere/at/all";
	t.teardown(() => {
		if (before === undefined) delete process.env.TMPDIR;
		else process.env.TMPDIR = before;
	});
	const room = roomOf(0);
	const held = new HeldBytes(room);
	for (const piece of pieces) held.add(piece);
	t.equal(room.waiting, whole.length);
	t.ok(held.take().equals(whole));
	t.equal(room.waiting, 0);
});

t.test("if the file cannot be written, the bytes are lost and it is closed", { skip: noFileSizeLimit }, async (t) => {
	const openFiles = () => readdirSync("/proc/self/fd").length;
	const room = roomOf(0);
	const held = new HeldBytes(room);
	const before = openFiles();
	t.teardown(() => limitFileSize("unlimited"));
	limitFileSize(100_000);
	const fill = () => {
		for (const piece of pieces) held.add(piece);
	};
	t.throws(fill, { code: "FT_IO", cause: { code: "EFBIG" } });
	limitFileSize("unlimited");
	t.same([room.waiting, held.size, held.take().length], [0, 0, 0]);
	t.equal(openFiles(), before);
});
