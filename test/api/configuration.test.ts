// The configuration file: search order, formats, and errors.
import t from "tap";
import { configuredValues, readConfiguration } from "../../api/configuration.ts";

t.test("without a file there are no values", async (t) => {
	process.chdir(t.testdir({}));
	t.same(await readConfiguration(null), { file: "", values: {} });
});

t.test("JSON, YAML and modules", async (t) => {
	for (const [name, text] of [
		["flowtape.config.json", '{"listen_port": 1, "map_local": ["a"]}'],
		["flowtape.config.yaml", "# ports\nlisten_port: 1\nmap_local:\n  - a\n"],
		["flowtape.config.js", "export default { listen_port: 1, map_local: ['a'] };"],
	] as const) {
		process.chdir(t.testdir({ [name]: text, "package.json": '{"type":"module"}' }));
		t.same(await readConfiguration(null), { file: name, values: { listen_port: 1, map_local: ["a"] } }, name);
	}
});

t.test("TypeScript if Node strips types; otherwise an error with advice", async (t) => {
	process.chdir(
		t.testdir({
			"flowtape.config.ts": "const port: number = 1;\nexport default { listen_port: port };",
			"package.json": '{"type":"module"}',
		}),
	);
	if ("typescript" in process.features && process.features.typescript)
		t.match(await readConfiguration(null), { values: { listen_port: 1 } });
	else
		await t.rejects(readConfiguration(null), {
			code: "FT_BAD_OPTION",
			message: /^flowtape.config.ts: TypeScript needs Node 22.18 or later, this is v.*; write it as .js$/,
		});
});

t.test("the first of several files is read, unless one is named", async (t) => {
	process.chdir(
		t.testdir({
			"flowtape.config.json": '{"a":1}',
			"flowtape.config.yaml": "a: 2",
			"other.yml": "a: 3",
			"package.json": "{}",
		}),
	);
	t.match(await readConfiguration(null), { file: "flowtape.config.json", values: { a: 1 } });
	t.match(await readConfiguration("other.yml"), { file: "other.yml", values: { a: 3 } });
});

t.test("empty files and modules without a default set nothing", async (t) => {
	process.chdir(t.testdir({ "a.yaml": "# nothing yet\n", "b.mjs": "export const x = 1;" }));
	t.same((await readConfiguration("a.yaml")).values, {});
	t.same((await readConfiguration("b.mjs")).values, {});
});

t.test("errors of a file", async (t) => {
	process.chdir(
		t.testdir({
			"list.json": "[1]",
			"text.yaml": "just words",
			"broken.json": "{",
			"broken.yaml": "a: [",
			"broken.mjs": "export default {",
			"folder.json": {},
			"throws.mjs": "throw new Error('no luck');",
		}),
	);
	for (const [file, message] of [
		["list.json", /expected an object of option names and values/],
		["text.yaml", /expected an object of option names and values/],
		["broken.json", /JSON/],
		["broken.yaml", /flow/i],
		["broken.mjs", /unexpected/i],
		["throws.mjs", /no luck/],
		["folder.json", /directory/],
	] as const)
		await t.rejects(
			readConfiguration(file),
			{ code: "FT_BAD_OPTION", file, message: new RegExp(`^${file}: .*${message.source}`, "is") },
			file,
		);
	for (const file of ["none.json", "none.yaml", "none.mjs"])
		await t.rejects(readConfiguration(file), { code: "FT_NOT_FOUND", message: `${file}: no such file` });
});

t.test("the values of a table", async (t) => {
	const table = {
		a_list: { type: "sequence", default: [], help: "", aliases: ["old_list"] },
		a_number: { type: "integer", default: 1, help: "" },
	} as const;
	t.same(configuredValues(table, { file: "a.json", values: { "old-list": "x", other: true } }), { a_list: ["x"] });
	t.throws(() => configuredValues(table, { file: "a.json", values: { a_number: "x" } }), {
		code: "FT_BAD_OPTION",
		message: /^a\.json: a_number: expected a whole number/,
	});
});
