// Blocks of lines read from chunks.
import t from "tap";
import { BlockReader } from "../../../../src/proxy/wire/block.ts";

/** Reads blocks from chunks: text and size of each, and the bytes held at the end. */
function blocksOf(pieces: readonly Buffer[]): { blocks: [string, number][]; held: string } {
	const reader = new BlockReader();
	const blocks: [string, number][] = [];
	for (const piece of pieces) {
		for (let at = 0; at < piece.length; ) {
			const end = reader.read(piece, at);
			if (end < 0) break;
			blocks.push([reader.text, reader.size]);
			at = end;
		}
	}
	return { blocks, held: reader.held.latin1Slice() };
}

const cases = [
	[
		"a\r\nb\r\n\r\nc\r\n\r\n",
		{
			blocks: [
				["a\r\nb\r\n", 8],
				["c\r\n", 5],
			],
			held: "",
		},
	],
	[
		"a\nb\n\nc\n\r\nd\r\n\nrest",
		{
			blocks: [
				["a\nb\n", 5],
				["c\n", 4],
				["d\r\n", 4],
			],
			held: "rest",
		},
	],
	[
		"\r\n\na\r\n\r\n",
		{
			blocks: [
				["", 2],
				["", 1],
				["a\r\n", 5],
			],
			held: "",
		},
	],
	[
		"a\n\nb\r\n\r\n",
		{
			blocks: [
				["a\n", 3],
				["b\r\n", 5],
			],
			held: "",
		},
	],
	["a\r\n\r", { blocks: [], held: "a\r\n\r" }],
	["\r", { blocks: [], held: "\r" }],
	["\rx\r\n\r\n", { blocks: [["\rx\r\n", 6]], held: "" }],
	["a\r\n\rb\r\n\r\n", { blocks: [["a\r\n\rb\r\n", 9]], held: "" }],
] as const;

t.test("a block ends at an empty line, however the bytes are cut", async (t) => {
	for (const [text, want] of cases) {
		const bytes = Buffer.from(text);
		t.strictSame(blocksOf([bytes]), want, JSON.stringify(text));
		t.strictSame(blocksOf(Array.from(bytes, (byte) => Buffer.of(byte))), want, "byte by byte");
		for (let at = 1; at < bytes.length; at++)
			t.strictSame(blocksOf([bytes.subarray(0, at), bytes.subarray(at)]), want, `cut at ${at}`);
	}
});

t.test("it reads from an offset, and knows the size of an unfinished block", async (t) => {
	const reader = new BlockReader();
	t.equal(reader.isEmpty, true);
	t.equal(reader.read(Buffer.from("bodya: 1"), 4), -1);
	t.strictSame([reader.isEmpty, reader.size, reader.held.latin1Slice()], [false, 4, "a: 1"]);
	t.equal(reader.read(Buffer.from("23\r\n\r\nbody"), 0), 6);
	t.strictSame([reader.isEmpty, reader.size, reader.text], [true, 10, "a: 123\r\n"]);
});

t.test("a block of a megabyte that arrives byte by byte takes linear time", async (t) => {
	const reader = new BlockReader();
	const byte = Buffer.from("x");
	const started = process.cpuUsage();
	for (let i = 0; i < 1024 * 1024; i++) reader.read(byte, 0);
	// If each byte copied all earlier ones, this would be half a terabyte.
	t.ok(process.cpuUsage(started).user < 20_000_000, "seconds of processor time");
	t.equal(reader.size, 1024 * 1024);
});
