// The fields of an object in a line: bytes, numbers in strings, lists, and values of the wrong type.
import t from "tap";
import type { JsonObject } from "../../../formats/fields.ts";
import { LineFields, toBody } from "../../../formats/jsonl/line-fields.ts";

/** Fields whose odd values are collected. */
function reading(values: JsonObject) {
	const odd: string[] = [];
	return { odd, at: new LineFields(values, "request.", (_, what) => odd.push(what)) };
}

t.test("an optional field of the wrong type is reported, and has its fallback", async (t) => {
	const { odd, at } = reading({ name: 5, count: " 7.5 ", size: "large", on: 1, inner: [] });
	t.equal(at.text("name", ""), "5");
	t.equal(at.number("count", 0), 7.5);
	t.equal(at.number("size", 3), 3);
	t.equal(at.boolean("on", true), true);
	t.equal(
		at.optional("inner", () => "read"),
		null,
	);
	t.strictSame(odd, [
		'"request.name": expected a string, found 5; read as "5"',
		'"request.count": expected a number, found " 7.5 "; read as 7.5',
		'"request.size": expected a number, found "large"; left out',
		'"request.on": expected true or false, found 1; left out',
		'"request.inner": expected an object, found a list; left out',
	]);
});

t.test("a required field of the wrong type is an error", async (t) => {
	const { odd, at } = reading({ name: 5, count: "7", part: 0.5, content: 1 });
	for (const [read, found] of [
		[() => at.text("name"), /"request.name": expected a string, found 5/],
		[() => at.number("count"), /"request.count": expected a number, found "7"/],
		[() => at.integer("part"), /"request.part": expected an integer, found 0.5/],
		[() => at.buffer("content"), /"request.content": expected a string or \{"\$base64": …\}, found 1/],
		[() => at.bytes("absent"), /"request.absent": expected a string, found nothing/],
	] as const)
		t.throws(read, { code: "FT_CORRUPT_FLOW", message: found });
	t.strictSame(odd, []);
});

t.test("invalid items of a list are left out", async (t) => {
	const { odd, at } = reading({ names: ["a", 1, "b"] });
	const text = (item: unknown) => (typeof item === "string" ? item : undefined);
	t.strictSame(at.items("names", "a list of strings", text), ["a", "b"]);
	t.strictSame(odd, ['"request.names": expected a list of strings, found 1; left out']);
	t.throws(() => new LineFields(at.values, "", null).items("names", "a list of strings", text), {
		code: "FT_CORRUPT_FLOW",
	});
});

t.test("bodies as text and as base64", async (t) => {
	t.strictSame(toBody("é"), Buffer.from("é"));
	t.strictSame(toBody({ $base64: "/w==" }), Buffer.of(255));
	t.equal(toBody(5), undefined);
});
