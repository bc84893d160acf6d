// Values as Python formats them.
import t from "tap";
import { pythonRepr, pythonText } from "../../../src/filter/python-text.ts";
import { Float, type MetaValue } from "../../../src/flow/metadata.ts";

t.test("repr", async (t) => {
	const same: [MetaValue, string][] = [];
	const is = (value: MetaValue, wanted: string) => same.push([value, wanted]);
	for (const [value, wanted] of [
		[null, "None"],
		[true, "True"],
		[false, "False"],
		[0, "0"],
		[-5, "-5"],
		[1e20, "100000000000000000000"],
	] as const)
		is(value, wanted);
	is(2n ** 70n, "1180591620717411303424");
	for (const [value, wanted] of [
		[1.5, "1.5"],
		[0.1, "0.1"],
		[1e-5, "1e-05"],
		[1.5e-7, "1.5e-07"],
		[0.0001, "0.0001"],
		[Number.NEGATIVE_INFINITY, "-inf"],
	] as const)
		is(value, wanted);
	for (const [value, wanted] of [
		[2, "2.0"],
		[-0, "-0.0"],
		[1e16, "1e+16"],
		[1e15, "1000000000000000.0"],
		[1e22, "1e+22"],
		[Number.NaN, "nan"],
		[1 / 0, "inf"],
	] as const)
		is(new Float(value), wanted);
	for (const [text, wanted] of [
		["", "''"],
		["it's", '"it\'s"'],
		["\"'", "'\"\\''"],
		["a\n\r\t\\", "'a\\n\\r\\t\\\\'"],
	] as const)
		is(text, wanted);
	is("\0\x7f\xa0\u200b\ud83c\udf47", "'\\x00\\x7f\\xa0\\u200b\ud83c\udf47'");
	is("\ud800", "'\\ud800'");
	is("\u{e0001}", "'\\U000e0001'");
	is(Buffer.from("a'\0\xff", "latin1"), 'b"a\'\\x00\\xff"');
	is(new Uint8Array(0), "b''");
	is([1, ["x"]], "[1, ['x']]");
	is({ a: 1, "b c": null }, "{'a': 1, 'b c': None}");
	is({}, "{}");
	for (const [value, wanted] of same) t.equal(pythonRepr(value), wanted);
});

t.test("str differs from repr only for strings", async (t) => {
	t.equal(pythonText("it's"), "it's");
	t.equal(pythonText(["it's"]), '["it\'s"]');
	t.equal(pythonText(null), "None");
});
