// Candidates for a word of a command line.
import t from "tap";
import { answerText, candidatesFor } from "../../../commands/completion/candidates.ts";
import { commands } from "../../../commands/list.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { flowtape } from "../../../fixtures/cli.ts";
import { writeTape } from "../../../fixtures/tape-files.ts";

t.before(async () => {
	process.chdir(t.testdir({ "odd.tape": "no tape" }));
	await writeTape("one.tape", [
		httpFlow({ id: "aaaa1111-1" }),
		httpFlow({ id: "bbbb2222-2" }),
		httpFlow({ id: "bbbb2222-3" }),
	]);
});

const rows: readonly (readonly [words: readonly string[], paths: string, list: readonly string[]])[] = [
	[["replay-"], "none", ["replay-server", "replay-client"]],
	[["hel"], "none", ["help"]],
	[["--v"], "none", ["--version"]],
	[["help", "ex"], "none", ["explain", "export", "exit-status"]],
	[["help", "export", ""], "none", []],
	[["nonsense", ""], "none", []],
	[["record", ""], "tapes", []],
	[["record", "x", "--lis"], "none", ["--listen-host", "--listen-port"]],
	[["record", "x", "--no-up"], "none", ["--no-upstream-cert"]],
	[["record", "x", "-S", ""], "tapes", []],
	[["record", "x", "--ca", ""], "folders", ["ephemeral"]],
	[["record", "x", "-s", ""], "files", []],
	[["record", "x", "-p", ""], "none", []],
	[["record", "x", "--format=j"], "none", ["--format=jsonl"]],
	[["record", "x", "--set", "anticac"], "none", ["anticache="]],
	[["record", "x", "--set", "anticache="], "none", ["anticache=true", "anticache=false"]],
	[["record", "x", "--set", "nonsense=a"], "none", []],
	[["record", "x", "--", "--lis"], "files", []],
	[["record", "x", "-f", "~hq"], "none", ["~hq "]],
	[["run", "x", "--record-mode", "n"], "none", ["none", "new-episodes"]],
	[["run", "x", "--fail-on", ""], "none", ["miss", "unused", "egress"]],
	[["filter", "~c 500 & ~marke"], "none", ["~c 500 & ~marked", "~c 500 & ~marker "]],
	[["filter", "~c 500 "], "none", []],
	[["filter", "~all", ""], "tapes", []],
	[["filter", "~all", "x", "y"], "tapes", []],
	[["export", "htt"], "none", ["httpie"]],
	[["export", "curl", "one.tape", "a"], "none", ["aaaa1111"]],
	[["show", "one.tape", "b"], "none", ["bbbb2222-2", "bbbb2222-3"]],
	[["show", "--raw", "one.tape", "aaaa1111-"], "none", ["aaaa1111-"]],
	[["show", "none.tape", ""], "none", []],
	[["ca", "tr"], "none", ["trust"]],
	[["completion", "p"], "none", ["powershell"]],
	[["diff", "a", "b", ""], "none", []],
];

for (const [words, paths, list] of rows) {
	t.test(words.join(" "), async (t) => {
		const found = await candidatesFor(words, commands);
		t.equal(found.paths, paths);
		t.same(found.list.map(([word]) => word).sort(), [...list].sort());
	});
}

t.test("the description of a flow's id is its request", async (t) => {
	const { list } = await candidatesFor(["show", "one.tape", "a"], commands);
	t.match(list, [["aaaa1111", /^GET http/]]);
});

t.test("an answer has one line per candidate, without line breaks and tabs in it", async (t) => {
	t.equal(answerText({ paths: "none", list: [["a", "b\tc\nd"]] }), "none\na\tb c d\n");
});

t.test("the hidden command never fails", async (t) => {
	const cwd = process.cwd();
	const ask = (...words: string[]) => flowtape(["__complete", String(words.length), ...words], { cwd });
	t.same(await ask("help", "exit"), { status: 0, out: "none\nexit-status\twhat the exit statuses mean\n", err: "" });
	t.same(await ask("show", "odd.tape", ""), { status: 0, out: "", err: "" });
	t.same(await flowtape(["__complete", "2", "completion"], { cwd }), await ask("completion", ""));
});
