// Loads scripts, and reports those that cannot be used.
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { describeError, loadScript } from "../../../src/scripts/load-script.ts";

t.test("the module and its addons", async (t) => {
	const file = join(
		t.testdir({ "a.mjs": "export function request() {}\nexport const addons = [{ name: 'one' }];\n" }),
		"a.mjs",
	);
	const { addons } = await loadScript(file);
	t.equal(typeof addons[0]?.request, "function");
	t.match(addons[1], { name: "one" });
});

t.test("options that scripts declare", async (t) => {
	const folder = t.testdir({
		"a.mjs": "export const load = (loader) => loader.add_option('my_word', 'string', 'x', 'A word.', ['x', 'y']);",
		"b.mjs": "export const load = (loader) => loader.add_option('My Word', 'string', 'x', 'A word.');",
	});
	t.same((await loadScript(join(folder, "a.mjs"))).options, {
		my_word: { type: "string", default: "x", help: "A word.", choices: ["x", "y"] },
	});
	await t.rejects(loadScript(join(folder, "b.mjs")), { code: "FT_SCRIPT", message: /b\.mjs:1: TypeError: "My Word"/ });
});

t.test("an option with an unknown type, or a value of another type, is an error", async (t) => {
	const declared = async (type: string, initial: unknown) => {
		const folder = t.testdir({
			"a.mjs": `export const load = (loader) => loader.add_option("word", ${JSON.stringify(type)}, ${JSON.stringify(initial)}, "A word.");`,
		});
		return (await loadScript(join(folder, "a.mjs"))).options;
	};
	for (const [type, initial] of [
		["boolean", false],
		["string", null],
		["integer", 3],
		["sequence", ["a"]],
	] as const)
		t.match(await declared(type, initial), { word: { type, default: initial } });
	await t.rejects(declared("int", 3), {
		code: "FT_SCRIPT",
		message: /the option word has the unknown type "int": expected boolean, string, integer, sequence/,
	});
	for (const [type, initial] of [
		["boolean", null],
		["string", 1],
		["integer", "3"],
		["sequence", "a"],
		["toString", "a"],
	])
		await t.rejects(declared(String(type), initial), {
			code: "FT_SCRIPT",
			message: /the option word has the (?:unknown )?type/,
		});
});

t.test("a changed file is loaded again", async (t) => {
	const file = join(t.testdir({ "a.mjs": "export const name = 1;" }), "a.mjs");
	const nameOf = async () => ((await loadScript(file)).addons[0] as unknown as { name: number }).name;
	t.equal(await nameOf(), 1);
	writeFileSync(file, "export const name = 2;");
	utimesSync(file, 1, 1);
	t.equal(await nameOf(), 2);
});

t.test("scripts that cannot be loaded", async (t) => {
	const folder = t.testdir({ "syntax.mjs": "export functio", "throws.mjs": "\n\nthrow new Error('at once');" });
	await t.rejects(loadScript(join(folder, "none.mjs")), { code: "FT_NOT_FOUND" });
	await t.rejects(loadScript(join(folder, "syntax.mjs")), {
		code: "FT_SCRIPT",
		message: /syntax\.mjs:\d+: SyntaxError/,
	});
	await t.rejects(loadScript(join(folder, "throws.mjs")), {
		code: "FT_SCRIPT",
		message: /throws\.mjs:3: Error: at once/,
	});
	t.equal(describeError("a.mjs", "text"), "a.mjs: text");
});
