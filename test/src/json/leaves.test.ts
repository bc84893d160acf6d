// Pointers, and leaves with their pointers.
import t from "tap";
import { keysOf, leavesOf, pointerOf, pointerPart } from "../../../src/json/leaves.ts";

t.test("keys are escaped as RFC 6901 requires", async (t) => {
	t.equal(pointerPart("plain"), "plain");
	t.equal(pointerPart("a/b~c~1"), "a~1b~0c~01");
	t.equal(pointerOf([]), "");
	t.equal(pointerOf(["a", "", "0", "x/y"]), "/a//0/x~1y");
	for (const keys of [[], ["a", "", "0", "x/y"], ["~1", "~", "/~0"]]) t.same(keysOf(pointerOf(keys)), keys);
});

t.test("strings and numbers, each with its pointer", async (t) => {
	const value = { id: 7, "a/b": ["x", null, { "~": "y" }], on: true, none: {} };
	t.strictSame(
		[...leavesOf(value)],
		[
			["/id", "7"],
			["/a~1b/0", "x"],
			["/a~1b/2/~0", "y"],
		],
	);
	t.strictSame([...leavesOf("whole")], [["", "whole"]]);
});

t.test("only values that are nested too deeply are left out", async (t) => {
	let deep: unknown = "below";
	for (let i = 0; i < 10_000; i++) deep = [deep];
	t.strictSame([...leavesOf({ deep, flat: "kept" })], [["/flat", "kept"]]);
});
