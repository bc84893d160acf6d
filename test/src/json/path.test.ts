// The values of a JSON text that a pointer or path selects.
import t from "tap";
import { FlowtapeError } from "../../../src/errors.ts";
import { covers, exactKeys, parseJsonPath } from "../../../src/json/path.ts";

const cases: [pattern: string, covered: string[], others: string[]][] = [
	["/user/id", ["user/id", "user/id/0"], ["user", "user/name", "id"]],
	["$.user.id", ["user/id"], ["user"]],
	["$['user']['a b.c']", ["user/a b.c"], ["user/a"]],
	['$["it\'s"]', ["it's"], []],
	["/items/*/id", ["items/0/id", "items/7/id/x"], ["items/0", "items/0/1/id"]],
	["$.items[*].id", ["items/0/id"], ["items/id"]],
	["$.items[3]", ["items/3"], ["items/30"]],
	["/**/ts", ["ts", "a/ts", "a/b/ts/c"], ["a/tss"]],
	["$..ts", ["ts", "a/b/ts"], ["a"]],
	["$..['ts']", ["ts", "a/b/ts"], ["a"]],
	["$..items[*].id", ["items/0/id", "a/items/b/id"], ["items/id"]],
	["/created_*", ["created_at", "created_by/x"], ["a/created_at"]],
	["", ["", "a"], []],
	["$", ["", "a"], []],
];

for (const [pattern, covered, others] of cases) {
	t.test(pattern, (t) => {
		const path = parseJsonPath(pattern, "an_option");
		const split = (text: string) => (text === "" ? [] : text.split("/"));
		for (const text of covered) t.ok(covers(path, split(text)), text);
		for (const text of others) t.notOk(covers(path, split(text)), text);
		t.end();
	});
}

t.test("escapes of pointers", (t) => {
	t.ok(covers(parseJsonPath("/a~1b/c~0d", "an_option"), ["a/b", "c~d"]));
	t.end();
});

t.test("other syntax is an error with its column", (t) => {
	for (const [text, what] of [
		["user.id", /neither/],
		["$user", /column 2/],
		["$.a[", /column 4/],
		["$.a['b]", /column 4/],
		["$.['a']", /column 2/],
		["$...a", /column 2/],
	] as const)
		t.throws(() => parseJsonPath(text, "an_option"), {
			constructor: FlowtapeError,
			code: "FT_BAD_OPTION",
			option: "an_option",
			message: what,
		});
	t.end();
});

t.test("the keys of a path to one place", async (t) => {
	t.same(exactKeys("/a/0/b~1c", "x"), ["a", "0", "b/c"]);
	t.same(exactKeys("$.a[0]['b.c']", "x"), ["a", "0", "b.c"]);
	t.same(exactKeys("", "x"), []);
	for (const path of ["/a/*", "/**/a", "$..a", "$.a[*]", "/a*"]) t.equal(exactKeys(path, "x"), null, path);
	t.throws(() => exactKeys("a", "x"), { code: "FT_BAD_OPTION" });
});
