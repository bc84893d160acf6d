// The completion scripts in their shells, if these are installed. bash and fish complete lines; the function of zsh gets
// the arguments that its line editor would pass.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/completion.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { cliEnvironment, cliFile } from "../../fixtures/cli.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

async function script(shell: string): Promise<string> {
	const { status, out } = await runCaptured(command, [shell]);
	t.equal(status, 0);
	return out;
}

t.before(async () => {
	process.chdir(t.testdir({ "session two.tape": "", "notes.txt": "", sub: {} }));
	mkdirSync("bin");
	writeFileSync("bin/flowtape", `#!/bin/sh\nexec "${process.execPath}" "${cliFile}" "$@"\n`);
	chmodSync("bin/flowtape", 0o755);
	await writeTape("one.tape", [httpFlow({ id: "aaaa1111-1" }), httpFlow({ id: "bbbb2222-2" })]);
});

/** The lines that a shell prints without the user's own configuration. */
function printedBy(shell: string, args: readonly string[]): string[] {
	const home = process.cwd();
	const env = cliEnvironment(home, {
		HOME: home,
		XDG_CONFIG_HOME: home,
		XDG_DATA_HOME: home,
		XDG_CACHE_HOME: home,
		PATH: `${home}/bin:${process.env.PATH}`,
	});
	const { status, stdout, stderr } = spawnSync(shell, args, { encoding: "utf8", env });
	t.same({ status, stderr }, { status: 0, stderr: "" });
	return stdout.split("\n").filter((line) => line !== "");
}

const isMissing = (shell: string) => spawnSync(shell, ["-c", "true"]).status !== 0 && `there is no ${shell} here`;

/** The words that bash offers for a line whose last word is being typed. */
const offered = (...words: string[]) => offeredBy("9", words);

/** @param type 9 for the first tab, 63 for the second one, which lists the candidates */
async function offeredBy(type: "9" | "63", words: string[]): Promise<string[]> {
	const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
	const ask = `${await script("bash")}
COMP_WORDS=(flowtape ${quoted}); COMP_CWORD=${words.length} COMP_TYPE=${type}; _flowtape
printf '%s\\n' "\${COMPREPLY[@]}"`;
	return printedBy("bash", ["-c", ask]);
}

t.test("bash", { skip: isMissing("bash") }, async (t) => {
	t.same(await offered("rec"), ["record"]);
	t.same(await offered("record", "--lis"), ["--listen-host", "--listen-port"]);
	t.same(await offered("run", "x", "--record-mode", "n"), ["none", "new-episodes"]);
	t.same(await offered("run", "x", "--record-mode", "=", "n"), ["none", "new-episodes"], "split at =, as bash does");
	t.same(
		(await offered("show", "")).sort(),
		["one.tape", "session two.tape", "bin", "sub"].sort(),
		"tapes and folders",
	);
	t.same(await offered("show", "one.tape", "b"), ["bbbb2222"]);
	t.match(await offeredBy("63", ["show", "one.tape", ""]), [/^aaaa1111 {2}GET http/, /^bbbb2222 {2}GET http/]);
	t.same(await offeredBy("63", ["show", "one.tape", "b"]), ["bbbb2222"], "a single candidate is inserted");
	t.same(await offeredBy("63", ["record", "--lis"]), ["--listen-host", "--listen-port"]);
	t.same(await offered("filter", "'~c 500 & ~hq"), ["~c 500 & ~hq "], "in quotes");
	t.same(await offered("filter", "~hq"), ["'~hq "], "a quote is added");
	t.same(await offered("record", "x", "--", "--lis"), [], "an argument of another command");
});

/** Reads the script in a shell and runs a line after it. */
async function runIn(shell: string, before: string, after: string): Promise<string[]> {
	const file = join(process.cwd(), `flowtape.${shell}`);
	writeFileSync(file, await script(shell));
	return printedBy(shell, [...(shell === "zsh" ? ["-f"] : []), "-c", `${before}\nsource '${file}'\n${after}`]);
}

t.test("zsh", { skip: isMissing("zsh") }, async (t) => {
	const init = "autoload -U compinit && compinit -u -D";
	t.same(await runIn("zsh", init, "print -l $_comps[flowtape]"), ["_flowtape"]);
	const ask = (words: string, typed: string) =>
		runIn(
			"zsh",
			`${init}\ncompadd() { print -rl -- "\${shown[@]}" }\n_files() { print -r -- "files $*" }`,
			`words=(flowtape ${words} '${typed}'); CURRENT=$#words; PREFIX='${typed}'; _flowtape`,
		);
	t.match(await ask("", "rec"), ["record  -- record the traffic of a proxy to a tape"]);
	t.match(await ask("show one.tape", "b"), [/^bbbb2222 {2}-- GET http/]);
	t.match(await ask("show", ""), [/^files -g \*\.\(tape\|/]);
	t.same(await ask("run x --record-mode", "n"), ["none", "new-episodes"]);
});

t.test("fish", { skip: isMissing("fish") }, async (t) => {
	const ask = async (line: string) =>
		(await runIn("fish", "", `complete -C ${JSON.stringify(line)}`)).map((found) => found.split("\t"));
	t.same(await ask("flowtape rec"), [["record", "record the traffic of a proxy to a tape"]]);
	t.same(await ask("flowtape record --listen-p"), [["--listen-port", "Port to listen on; 0 picks a free one"]]);
	t.match(await ask("flowtape show one.tape b"), [["bbbb2222", /^GET http/]]);
	t.match(await ask("flowtape completion b"), [["bash"]]);
	const offered = (await ask("flowtape show ")).map(([word]) => word);
	t.ok(
		["one.tape", "sub/"].every((word) => offered.includes(word)),
		"tapes and folders",
	);
	t.notOk(offered.includes("notes.txt"), "no other files");
});

t.test("the script for PowerShell, and unknown shells", async (t) => {
	t.match(
		await script("powershell"),
		/Register-ArgumentCompleter -Native -CommandName flowtape[\s\S]*flowtape __complete \$count @words/,
	);
	t.match(await runCaptured(command, ["tcsh"]), {
		status: 2,
		err: 'flowtape: completion: expected one of bash, zsh, fish, powershell, found "tcsh"\n',
	});
});
