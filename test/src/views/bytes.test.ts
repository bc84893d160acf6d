// Detection of binary data, and hex dumps.
import t from "tap";
import { hexDump, looksBinary } from "../../../src/views/bytes.ts";

t.test("text and binary data", async (t) => {
	for (const text of ["", "plain\r\n\ttext", "\u001b[1mbold", "é".repeat(600)])
		t.notOk(looksBinary(Buffer.from(text)), JSON.stringify(text.slice(0, 9)));
	for (const bytes of [Buffer.from([0]), Buffer.from([0x41, 0xff, 0x42]), Buffer.from([0x7f, 0x01])])
		t.ok(looksBinary(bytes));
});

t.test("a dump with sixteen bytes per line", async (t) => {
	t.equal(
		hexDump(Buffer.from("0123456789abcdef\0")),
		`00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n00000010  00${" ".repeat(46)} .\n`,
	);
});
