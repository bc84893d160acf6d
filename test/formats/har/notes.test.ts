// Keeps fields of an entry that flows do not have.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { collect, inside, notesOf, remainder } from "../../../formats/har/notes.ts";
import { Float, type Metadata } from "../../../src/flow/metadata.ts";

t.test("remaining fields of an entry", async (t) => {
	const entry = JSON.parse(
		'{"time":1,"request":{},"cache":{},"comment":"x","_priority":"High","_initiator":null,"__proto__":{"a":1}}',
	);
	t.strictSame(JSON.stringify(remainder("entry", entry)), '{"_priority":"High","__proto__":{"a":1}}');
	t.same(remainder("timings", null), {});
	t.same(collect({ a: {}, b: null, c: { d: 1 }, e: [] }), { c: { d: 1 } });
	t.same(inside({ a: [1], b: { c: 1 } }, "a"), {});
	t.same(inside({ a: [1], b: { c: 1 } }, "b"), { c: 1 });
});

t.test("notes of any tape become JSON", async (t) => {
	const deep: Metadata = {};
	let at = deep;
	for (let i = 0; i < 100_000; i++) at = at.x = {};
	const metadata: Metadata = {
		har: { big: 2n ** 60n, float: new Float(2), bytes: Buffer.of(1, 2), list: [null, true, "\ud800"], deep },
		other: 1,
	};
	const notes = notesOf(httpFlow({ metadata }));
	t.match(notes, { big: 2 ** 60, float: 2, bytes: "AQI=", list: [null, true, "\ufffd"] });
	t.notMatch(notes, { other: 1 });
	t.ok(JSON.stringify(notes).length < 10_000, "nesting that is meant to hurt is cut");
	t.same(notesOf(httpFlow({ metadata: { har: "theirs" } })), {});
	t.same(notesOf(httpFlow()), {});
});
