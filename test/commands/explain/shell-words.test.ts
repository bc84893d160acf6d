// Splits command lines as a shell does.
import { execFileSync } from "node:child_process";
import t from "tap";
import { shellWords } from "../../../commands/explain/shell-words.ts";

const lines = [
	'curl https://a.test/?a=1 -H \'A: b c\' --data-raw "x\\"y\\\\z\\q"',
	"  one\ttwo \\\n  three ",
	"a'b'\"c\"d ''",
	"$'a\\'b\\n\\x41\\u00e9\\\\' plain\\ space",
	"'line\nbreak' \"joined\\\nline\"",
];

t.test("the same words as bash", { skip: process.platform === "win32" && "no bash" }, (t) => {
	for (const line of lines) {
		const script = `printf '%s\\0' ${line}`;
		const expected = execFileSync("bash", ["-c", script], { env: { LC_ALL: "C.UTF-8" } })
			.toString()
			.split("\0")
			.slice(0, -1);
		t.same(shellWords(line), expected, line);
	}
	t.end();
});

t.test("the first of several commands, without redirections", (t) => {
	for (const rest of [
		"| jq .",
		"> out.json",
		">out.json 2>&1",
		"2>/dev/null",
		"; curl b",
		"&& echo ok",
		"|| true",
		"&",
	])
		t.same(shellWords(`curl 'a;b' http://h/?x=1&y=2 ${rest}`), ["curl", "a;b", "http://h/?x=1&y=2"], rest);
	t.same(shellWords("curl -d '>' -H \"|\" a"), ["curl", "-d", ">", "-H", "|", "a"]);
	t.end();
});

t.test("shell expansions stay unchanged, and unclosed quotes are an error", (t) => {
	t.same(shellWords("$HOME `x` *"), ["$HOME", "`x`", "*"]);
	t.same(shellWords("   "), []);
	t.throws(() => shellWords("a 'b"), { code: "FT_USAGE", column: 3 });
	t.throws(() => shellWords('"'), { code: "FT_USAGE" });
	t.end();
});
