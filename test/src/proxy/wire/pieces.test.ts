// The pieces of a body in memory.
import t from "tap";
import { Pieces } from "../../../../src/proxy/wire/pieces.ts";

t.test("pieces keep their order, and small ones are joined", async (t) => {
	const pieces = new Pieces();
	t.strictSame([pieces.size, pieces.list.length, pieces.joined().length], [0, 0, 0]);
	const large = Buffer.alloc(5000, "L");
	for (const piece of [Buffer.from("a"), Buffer.from("b"), Buffer.from("c"), large, Buffer.from("d"), Buffer.from("e")])
		pieces.add(piece);
	t.strictSame(
		pieces.list.map((piece) => piece.subarray(0, 3).toString()),
		["a", "bc", "LLL", "de"],
	);
	t.equal(pieces.list[2], large, "large ones are not copied");
	pieces.add(Buffer.from("f"));
	t.equal(pieces.size, 5006);
	t.equal(pieces.joined().toString(), `abc${"L".repeat(5000)}def`);
	t.equal(pieces.joined(), pieces.joined());
	pieces.clear();
	t.strictSame([pieces.size, pieces.list.length], [0, 0]);
});

t.test("a body that arrives byte by byte takes a few buffers", async (t) => {
	const pieces = new Pieces();
	for (let i = 0; i < 1_000_000; i++) pieces.add(Buffer.of(i & 0xff));
	t.ok(pieces.list.length < 30, String(pieces.list.length));
	const whole = pieces.joined();
	t.equal(whole.length, 1_000_000);
	t.ok(whole.every((byte, i) => byte === (i & 0xff)));
});

t.test("a body of one piece is not copied", async (t) => {
	const pieces = new Pieces();
	const piece = Buffer.from("all");
	pieces.add(piece);
	t.equal(pieces.joined(), piece);
});
