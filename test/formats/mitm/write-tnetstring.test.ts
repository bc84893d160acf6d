// Writes typed netstrings.
import t from "tap";
import { TAG } from "../../../formats/mitm/tnetstring.ts";
import { Writer } from "../../../formats/mitm/write-tnetstring.ts";
import { Float, type MetaValue } from "../../../src/flow/metadata.ts";

function written(value: MetaValue): string {
	const writer = new Writer();
	writer.value(value);
	return writer.takeBytes().latin1Slice();
}

t.test("each type", async (t) => {
	for (const [value, text] of [
		[null, "0:~"],
		[true, "4:true!"],
		[false, "5:false!"],
		[-5, "2:-5#"],
		[2n ** 70n, "22:1180591620717411303424#"],
		[1.5, "3:1.5^"],
		[new Float(2), "3:2.0^"],
		[new Float(1e300), "6:1e+300^"],
		[Number.NaN, "3:nan^"],
		[-Infinity, "4:-inf^"],
		[Infinity, "3:inf^"],
		[2 ** 60, "21:1152921504606847000.0^"],
		["é", "2:\xc3\xa9;"],
		["\ud800x", "4:\xef\xbf\xbdx;"],
		[Buffer.of(0, 255), "2:\0\xff,"],
		[[1, "a"], "8:1:1#1:a;]"],
		[{ a: 1, b: null }, "15:1:a;1:1#1:b;0:~}"],
		[{}, "0:}"],
	] as const)
		t.equal(written(value as MetaValue), text);
});

t.test("numbers become integers", async (t) => {
	const writer = new Writer();
	for (const number of [1.5, -1.5, 1e21, Number.NaN]) writer.integer(number);
	t.equal(writer.takeBytes().toString(), "1:0#22:1000000000000000000000#2:-1#1:1#");
});

t.test("backwards, for any size", async (t) => {
	const writer = new Writer();
	const large = Buffer.alloc(5_000_000, "x");
	const begun = writer.begin(TAG.list);
	writer.bytes(large);
	writer.bytes("short");
	writer.raw(Buffer.from("0:~"));
	writer.end(begun);
	const bytes = writer.takeBytes();
	t.equal(bytes.latin1Slice(0, 30), "5000020:0:~5:short,5000000:xxx");
	t.equal(bytes.length, 5000020 + 9);
	writer.integer(1);
	t.equal(writer.takeBytes().toString(), "1:1#");
});

t.test("unfinished elements can be discarded", async (t) => {
	const writer = new Writer();
	writer.text("half");
	writer.clear();
	writer.null();
	t.equal(writer.takeBytes().toString(), "0:~");
});
