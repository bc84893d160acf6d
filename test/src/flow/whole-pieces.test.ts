// Reads bodies in pieces that do not split characters.
import t from "tap";
import { isUtf8Body, wholeCharacters, wholePieces } from "../../../src/flow/whole-pieces.ts";

t.test("pieces end between characters, wherever the chunks end", async (t) => {
	const bytes = Buffer.from("aé漢🍇".repeat(30_000));
	const chunks = [bytes.subarray(0, 7), bytes.subarray(7, 100_003), bytes.subarray(100_003)];
	const pieces = [...wholePieces({ size: bytes.length, read: () => bytes, chunks: () => chunks }, wholeCharacters)];
	t.ok(pieces.length > 3);
	t.equal(pieces.map(String).join(""), bytes.toString());
});

t.test("whether a body is UTF-8, in memory and elsewhere", (t) => {
	for (const [bytes, isText] of [
		[Buffer.from("é漢🍇".repeat(100_000)), true],
		[Buffer.from("é").subarray(0, 1), false],
		[Buffer.concat([Buffer.alloc(100_000, "x"), Buffer.of(0xff)]), false],
		[Buffer.from("a\0b"), true],
	] as const) {
		t.equal(isUtf8Body(bytes), isText);
		t.equal(isUtf8Body({ size: bytes.length, read: () => bytes, chunks: () => [bytes] }), isText);
	}
	t.notOk(isUtf8Body(Buffer.from("a\0b"), true), "plain text has no NUL");
	t.end();
});
