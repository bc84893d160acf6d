// Parts that a comparison ignores.
import t from "tap";
import { compileIgnore } from "../../../src/compare/ignore.ts";

t.test("names and pointers, with wildcards", async (t) => {
	const ignored = compileIgnore([
		"header:x-*",
		"query:ts",
		"cookie:sid",
		"form:nonce",
		"json:/a/*/id",
		"json:/b",
		"json:/**/at",
		"json:$.list[*].seen",
		"json:$..['s~/']",
	]);
	for (const [part, name] of [
		["header", "X-Request-Id"],
		["header", "Date"],
		["query", "ts"],
		["cookie", "sid"],
		["form", "nonce"],
		["json", "/a/0/id"],
		["json", "/b/c/d"],
		["json", "/x/y/at"],
		["json", "/at"],
		["json", "/list/3/seen"],
		["json", "/x/s~0~1"],
	] as const)
		t.ok(ignored(part, name), `${part} ${name}`);
	for (const [part, name] of [
		["header", "etag"],
		["query", "TS"],
		["query", "ts2"],
		["json", "/a/0/1/id"],
		["json", "/bc"],
		["json", ""],
		["json", "/list/seen"],
	] as const)
		t.notOk(ignored(part, name), `${part} ${name}`);
});

t.test("unknown parts", async (t) => {
	for (const pattern of ["date", "headers:date", "header:", "json:id", "json:$.a[", ""])
		t.throws(() => compileIgnore([pattern]), { code: "FT_BAD_OPTION", option: "ignore" });
});

t.test("the time is proportional to the length of the name", async (t) => {
	const name = "a".repeat(50_000);
	for (const part of ["header", "query", "cookie", "form"] as const)
		t.notOk(compileIgnore([`${part}:*a*a*a*a*a*a*a*a*b`])(part, name));
	t.notOk(compileIgnore(["json:/**/a/**/a/**/*a*a*/**/b"])("json", "/a".repeat(10_000)));
	t.ok(compileIgnore(["json:/**/a/**/x"])("json", `${"/a".repeat(10_000)}/x/y`));
});

t.test("JSON paths have the same syntax and errors as in other options", async (t) => {
	t.ok(compileIgnore(["json:$"])("json", ""), "the whole text");
	t.throws(() => compileIgnore(["json:user.id"]), {
		message: /^"user\.id" is neither a JSON pointer such as \/user\/id nor a path such as \$\.user\.id/,
	});
	t.throws(() => compileIgnore(["json:$.a["]), { message: /^"\$\.a\[": column 4: / });
});
