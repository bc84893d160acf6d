// Bytes that are appended in pieces, beyond their expected number too.
import t from "tap";
import { GrowingBytes } from "../../../src/flow/growing-bytes.ts";

t.test("strings and buffers, in order", async (t) => {
	for (const expected of [0, 1, 100]) {
		const all = new GrowingBytes(expected);
		t.equal(all.length, 0);
		t.equal(all.bytes.length, 0);
		for (let i = 0; i < 20; i++) {
			all.append("a\xff");
			all.append(Buffer.from("\u00e9"));
			all.append("");
		}
		t.equal(all.length, 80);
		t.equal(all.bytes.latin1Slice(), "a\xff\xc3\xa9".repeat(20));
	}
});
