// Joins headers with the same name.
import t from "tap";
import { joinedFields } from "../../../src/export/joined-fields.ts";

t.test("headers with the same name are joined, with a note", async (t) => {
	const notes: string[] = [];
	t.same(
		joinedFields(
			[
				["Accept", "a"],
				["Cookie", "x=1"],
				["accept", "b"],
				["COOKIE", "y=2"],
				["__proto__", "z"],
			],
			(note) => notes.push(note),
		),
		[
			["Accept", "a, b"],
			["Cookie", "x=1; y=2"],
			["__proto__", "z"],
		],
	);
	t.same(notes, ['the headers "accept" are joined to one', 'the headers "COOKIE" are joined to one']);
});
