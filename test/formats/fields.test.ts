// JSON is parsed, and what is wrong in it is named by its path.
import t from "tap";
import { Fields, isObject, parseJson, wrong } from "../../formats/fields.ts";

const at = new Fields(
	{ text: "x", n: 1.5, yes: true, none: null, list: [{ a: 1 }, { a: 2 }], inner: { deep: { n: 5 } }, big: Number.POSITIVE_INFINITY },
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
	t.equal(new Fields({}, "").has("toString"), false, "what every object has is no field");
});

t.test("what is wrong", async (t) => {
	for (const [ask, why] of [
		[() => at.text("n"), '"flow.n" is 1.5, a string was expected'],
		[() => at.text("gone"), '"flow.gone" is missing, a string was expected'],
		[() => at.number("text"), '"flow.text" is "x", a number was expected'],
		[() => at.number("big"), /"flow.big" is null, a number/],
		[() => at.boolean("none"), '"flow.none" is null, true or false was expected'],
		[() => at.array("inner"), '"flow.inner" is an object, a list was expected'],
		[() => at.object("list"), '"flow.list" is a list, an object was expected'],
		[() => at.list("list", (item) => item.text("a")), '"flow.list[0].a" is 1, a string was expected'],
		[() => new Fields({ list: [5] }, "").list("list", () => 1), '"list[0]" is 5, an object was expected'],
		[() => at.object("inner").object("deep").text("n"), '"flow.inner.deep.n" is 5, a string was expected'],
	] as const)
		t.throws(ask, { code: "FT_CORRUPT_FLOW", message: why });
	t.match(wrong("", "a flow", "long".repeat(99)).message, /^"(?:long){9}lon… was found, a flow was expected$/);
});

t.test("JSON in UTF-8, nothing else", async (t) => {
	t.same(parseJson(Buffer.from('{"ü":[1]}')), { ü: [1] });
	t.throws(() => parseJson(Buffer.from('"\xe9"', "latin1")), { code: "FT_CORRUPT_FLOW", message: /UTF-8 was expected/ });
	t.throws(() => parseJson(Buffer.from("{")), { code: "FT_CORRUPT_FLOW", message: /JSON was expected: / });
	t.notOk(isObject([]));
	t.notOk(isObject(null));
});
