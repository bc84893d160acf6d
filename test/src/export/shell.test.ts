// Quotes words for shells.
import { execFileSync } from "node:child_process";
import t from "tap";
import { commandLine, printf, quote, quoteInLine } from "../../../src/export/shell.ts";

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

t.test("shells read quoted words unchanged", async (t) => {
	for (const word of [
		"",
		"plain",
		"it's",
		"$(touch /nowhere)",
		"`id`",
		"a\nb",
		'"',
		"\\",
		"*",
		"~",
		"-n",
		"a b",
		"!x",
		"é",
		"=ls",
		"-e",
		"--",
		"a\x1b[2J",
		"\u009b!",
		"\u202e\n\n",
		"a\rb'",
	]) {
		const script = `for word in ${quote(Buffer.from(word).toString("latin1"))}; do printf '%s' "$word"; done`;
		t.equal(execFileSync("sh", ["-c", Buffer.from(script, "latin1").toString()], { encoding: "utf8" }), word);
	}
	t.equal(quote("=ls"), "'=ls'", "zsh would look for a command");
	t.notMatch(quoteInLine("a\nb\tc"), /[\n\t]/);
	t.equal(execFileSync("sh", ["-c", `printf %s ${quoteInLine("a\nb\tc!")}`], { encoding: "utf8" }), "a\nb\tc!");
	t.equal(quote("/a/b?c=1".replace("?", "")), "/a/bc=1", "safe words stay unchanged");
});

t.test("printf prints every byte", async (t) => {
	t.same(execFileSync("sh", ["-c", printf(EVERY_BYTE)]), EVERY_BYTE);
	t.same(execFileSync("sh", ["-c", printf(Buffer.from("--x"))]), Buffer.from("--x"));
	t.same(
		execFileSync("sh", ["-c", printf(Buffer.concat([EVERY_BYTE, Buffer.alloc(30_000, "-")]))]),
		Buffer.concat([EVERY_BYTE, Buffer.alloc(30_000, "-")]),
	);
	t.same(execFileSync("sh", ["-c", printf(Buffer.from("100% \\n '5'"))]), Buffer.from("100% \\n '5'"));
});

t.test("a command on several lines", async (t) => {
	t.equal(execFileSync("sh", ["-c", commandLine(["printf '%s-'", "a", "b"])], { encoding: "utf8" }), "a-b-");
});
