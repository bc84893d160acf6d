// Reads options of `rewrite` from a YAML or JSON file.
import { join } from "node:path";
import t from "tap";
import { withRules } from "../../../commands/rewrite/rules-file.ts";

const groups = [
	{
		title: "All",
		table: {
			list: { type: "sequence", default: [], help: "" },
			text: { type: "string", default: null, help: "" },
			flag: { type: "boolean", default: false, help: "" },
		},
	},
] as const;

t.test("values of the file and of the command line", async (t) => {
	const file = join(t.testdir({ "rules.json": '{"list": ["a"], "text": "file", "flag": true}' }), "rules.json");
	t.same(await withRules(file, { list: ["b"], text: "given", flag: false, other: 1 }, groups), {
		list: ["a", "b"],
		text: "given",
		flag: true,
		other: 1,
	});
	const values = { list: [] };
	t.equal(await withRules(null, values, groups), values);
});

t.test("invalid contents of a rules file", async (t) => {
	const folder = t.testdir({ "name.json": '{"lists": []}', "value.json": '{"flag": "perhaps"}' });
	await t.rejects(withRules(join(folder, "name.json"), {}, groups), {
		code: "FT_BAD_OPTION",
		message: /name\.json: lists: .*Did you mean "list"/,
	});
	await t.rejects(withRules(join(folder, "value.json"), {}, groups), {
		code: "FT_BAD_OPTION",
		message: /value\.json: flag/,
	});
});
