// Rules: separators, filters, literals with their escapes, and values from files.

import { rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { hookLog } from "../../../fixtures/run-hooks.ts";
import {
	compileFilterLazily,
	compileRuleFilter,
	compileValue,
	parseRules,
	splitRule,
	unescapeLiteral,
} from "../../../src/hooks/rule.ts";

t.test("the first character is the separator; the last part may contain it", async (t) => {
	for (const [text, parts] of [
		["/a/b", ["a", "b"]],
		["/f/a/b", ["f", "a", "b"]],
		["/foo/bar/vo/ing/", ["foo", "bar", "vo/ing/"]],
		["|a|b", ["a", "b"]],
		["#X#", ["X", ""]],
		["😀f😀a😀b", ["f", "a", "b"]],
		["//a", ["", "a"]],
		["///", ["", "", ""]],
	] as const)
		t.same(splitRule(text, 2, 3), parts, text);
	for (const text of ["", "/", "/a", "#bc"])
		t.throws(() => splitRule(text, 2, 3), {
			code: "FT_BAD_OPTION",
			message: `"${text}": expected 2 or 3 parts, separated by the first character`,
		});
	t.throws(() => splitRule("/a", 2, 2), { message: /: expected 2 parts/ });
	for (const text of ["authorization", "1/2/3", " /a/b", "éaéb"])
		t.throws(() => splitRule(text, 2, 3), { code: "FT_BAD_OPTION", message: `write "/${text.trim()}/"` });
});

t.test("rules with two parts apply to every flow, rules with three to matching ones", async (t) => {
	const [all, some] = await parseRules(["/X/v", "/~u SHOP & ~bq x/X/v/w"], {});
	t.match(all, { text: "/X/v", subject: "X", value: "v", needsRequestBody: false });
	t.ok(all?.matches(httpFlow()));
	t.match(some, { subject: "X", value: "v/w", needsRequestBody: true });
	t.notOk(some?.matches(httpFlow()));
	t.ok(some?.matches(httpFlow({ request: { host: "shop.example", body: "x" } })));
	const [exact] = await parseRules(["/~u SHOP/X/v"], { caseSensitiveFilters: true });
	t.notOk(exact?.matches(httpFlow({ request: { host: "shop.example" } })));
});

t.test("an error in a filter has the column in the rule", async (t) => {
	await t.rejects(parseRules(["/~c 1 & ~zz/X/v"], {}), {
		code: "FT_BAD_FILTER",
		column: 9,
		message: /^"\/~c 1 & ~zz\/X\/v": filter /,
	});
	await t.rejects(parseRules(["//X/v"], {}), { code: "FT_BAD_FILTER" });
	await t.rejects(compileRuleFilter("😀~zz😀404", "~zz", {}), { code: "FT_BAD_FILTER", column: 3 });
	await t.rejects(compileFilterLazily("~zz", {}), { code: "FT_BAD_FILTER", column: 1 });
});

t.test("literals are bytes with a few escapes", async (t) => {
	for (const [text, bytes] of [
		["a\\nb\\rc\\td\\\\e", "a\nb\rc\td\\e"],
		["\\x00\\xff\\xFf", "\0\xff\xff"],
		["é", "\xc3\xa9"],
		["\\d\\b\\q", "\\d\\b\\q"],
		["\\", "\\"],
		["\\\\n", "\\n"],
	] as const)
		t.equal(unescapeLiteral(text), bytes, text);
	for (const text of ["\\x", "\\x1", "\\xg0"])
		t.throws(() => unescapeLiteral(text), { code: "FT_BAD_OPTION", message: /two hexadecimal digits/ });
});

t.test("a value is a literal, or the content of a file at each use", async (t) => {
	const file = join(t.testdir({ value: "one\\n" }), "value");
	const { lines, log } = hookLog();
	t.same(compileValue("a\\x41", { log })()?.toString(), "aA");
	const read = compileValue(`@${file}`, { log });
	t.equal(read()?.toString(), "one\\n", "as it is, without escapes");
	writeFileSync(file, "two");
	t.equal(read()?.toString(), "two");
	rmSync(file);
	t.equal(read(), null);
	t.match(lines, [/^warning: the replacement file cannot be read: ENOENT/]);
	t.throws(() => compileValue(`@${file}`, {}), {
		code: "FT_BAD_OPTION",
		file,
		message: /cannot read the value from this file: ENOENT/,
	});
	t.throws(() => compileValue("@~/no-such-file-here", {}), {
		code: "FT_BAD_OPTION",
		file: join(homedir(), "no-such-file-here"),
	});
});
