// Reads fields of JSON by type; errors name their path.
import t from "tap";
import { Fields, isObject, parseJson, wrong } from "../../formats/fields.ts";
import { LongString } from "../../formats/long-string.ts";

const at = new Fields(
	{
		text: "x",
		n: 1.5,
		yes: true,
		none: null,
		list: [{ a: 1 }, { a: 2 }],
		inner: { deep: { n: 5 } },
		big: Number.POSITIVE_INFINITY,
	},
	"flow.",
);

t.test("fields by their type", async (t) => {
	t.equal(at.text("text"), "x");
	t.equal(at.text("gone", "fallback"), "fallback");
	t.equal(at.textOrNull("none"), null);
	t.equal(at.number("n"), 1.5);
	t.equal(at.number("none", 7), 7);
	t.equal(at.numberOrNull("gone"), null);
	t.equal(at.boolean("yes"), true);
	t.equal(at.boolean("gone", false), false);
	t.same(at.array("gone"), []);
	t.same(
		at.list("list", (item) => item.number("a")),
		[1, 2],
	);
	t.equal(at.object("inner").object("deep").number("n"), 5);
	t.equal(
		at.optional("none", () => 1),
		null,
	);
	t.equal(
		at.optional("inner", (inner) => inner.has("deep")),
		true,
	);
	t.equal(new Fields({}, "").has("toString"), false, "inherited properties are not fields");
});

t.test("errors", async (t) => {
	for (const [ask, why] of [
		[() => at.text("n"), '"flow.n": expected a string, found 1.5'],
		[() => at.text("gone"), '"flow.gone": expected a string, found nothing'],
		[() => at.number("text"), '"flow.text": expected a number, found "x"'],
		[() => at.number("big"), /"flow.big": expected a number, found null/],
		[() => at.boolean("none"), '"flow.none": expected true or false, found null'],
		[() => at.array("inner"), '"flow.inner": expected a list, found an object'],
		[() => at.object("list"), '"flow.list": expected an object, found a list'],
		[() => at.list("list", (item) => item.text("a")), '"flow.list[0].a": expected a string, found 1'],
		[() => new Fields({ list: [5] }, "").list("list", () => 1), '"list[0]": expected an object, found 5'],
		[() => at.object("inner").object("deep").text("n"), '"flow.inner.deep.n": expected a string, found 5'],
	] as const)
		t.throws(ask, { code: "FT_CORRUPT_FLOW", message: why });
	t.match(wrong("", "a flow", "long".repeat(99)).message, /^expected a flow, found "(?:long){9}lon…$/);
	const long = new LongString(Buffer.alloc(5000, "x"));
	t.equal(wrong("a", "an object", long).message, '"a": expected an object, found a string of 5000 bytes');
	t.notOk(isObject(long));
	t.equal(JSON.stringify(long), JSON.stringify("x".repeat(5000)));
});

t.test("JSON in UTF-8, nothing else", async (t) => {
	t.same(parseJson(Buffer.from('{"ü":[1]}')), { ü: [1] });
	t.throws(() => parseJson(Buffer.from('"\xe9"', "latin1")), {
		code: "FT_CORRUPT_FLOW",
		message: /expected UTF-8/,
	});
	t.throws(() => parseJson(Buffer.from("{")), { code: "FT_CORRUPT_FLOW", message: /expected JSON: / });
	t.notOk(isObject([]));
	t.notOk(isObject(null));
});
