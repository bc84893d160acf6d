// The completion scripts: what their shells make of them. Bash is asked for real; zsh and fish read the script where they are installed.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type Command, defineCommand } from "../../commands/cli/command.ts";
import { createCommand } from "../../commands/completion.ts";
import { cliEnvironment } from "../../fixtures/cli.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";

const record: Command = defineCommand({
	...{ name: "record", summary: "record what's there: [everything]", args: "TAPE", arity: { min: 1 }, examples: [], run: async () => 0 },
	options: {
		json: { type: "boolean", default: false, help: "It's JSON: [really]." },
		upstream_cert: { type: "boolean", default: true, help: "Copy names." },
		listen_port: { type: "integer", default: 0, help: "Port." },
		listen_host: { type: "string", default: "", help: "Host." },
	},
});
const replay: Command = defineCommand({ ...record, name: "replay-server", options: {} });
const completion: Command = createCommand(async () => [record, replay, completion]);

async function script(shell: string): Promise<string> {
	const { status, out } = await runCaptured(completion, [shell]);
	t.equal(status, 0);
	return out;
}

t.before(() => process.chdir(t.testdir({ "session one.tape": "", "session-two.tape": "", sub: {} })));

/** What bash offers for a line whose last word is being typed. */
async function offered(...words: string[]): Promise<string[]> {
	const quoted = words.map((word) => `'${word}'`).join(" ");
	const ask = `${await script("bash")}
COMP_WORDS=(flowtape ${quoted}); COMP_CWORD=${words.length}; _flowtape
printf '%s\\n' "\${COMPREPLY[@]}"`;
	return printedBy("bash", ["-c", ask]);
}

/** The lines that a shell prints, which finds nothing of the user's own. */
function printedBy(shell: string, args: readonly string[]): string[] {
	const home = process.cwd();
	const env = cliEnvironment(home, { HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home, XDG_CACHE_HOME: home });
	const { status, stdout, stderr } = spawnSync(shell, args, { encoding: "utf8", env });
	t.same({ status, stderr }, { status: 0, stderr: "" });
	return stdout.split("\n").filter((line) => line !== "");
}

const isMissing = (shell: string) => spawnSync(shell, ["-c", "true"]).status !== 0 && `there is no ${shell} here`;

t.test("bash: commands, then their options, and files are left to bash", { skip: isMissing("bash") }, async (t) => {
	t.same(await offered("re"), ["record", "replay-server"]);
	t.same(await offered(""), ["record", "replay-server", "completion", "help"]);
	t.same(await offered("--v"), ["--version"]);
	t.same(await offered("record", "--lis"), ["--listen-port", "--listen-host"]);
	t.ok((await offered("record", "x", "--no-")).includes("--no-upstream-cert"));
	t.same(await offered("record", "sess"), []);
	t.match(await script("bash"), /complete .*-o default .*flowtape/);
	t.same(await offered("help", "rec"), ["record"]);
	t.same(await offered("completion", "f"), ["fish"]);
});

t.test("bash: nothing of ours behind --, that is another command's", { skip: isMissing("bash") }, async (t) => {
	t.same(await offered("record", "x", "--", "--lis"), []);
});

/** Reads the script in a shell and runs a line after it. */
async function runIn(shell: string, before: string, after: string): Promise<string[]> {
	const file = join(process.cwd(), `flowtape.${shell}`);
	writeFileSync(file, await script(shell));
	return printedBy(shell, [...(shell === "zsh" ? ["-f"] : []), "-c", `${before}\nsource '${file}'\n${after}`]);
}

t.test("zsh takes the script", { skip: isMissing("zsh") }, async (t) => {
	t.same(await runIn("zsh", "autoload -U compinit && compinit -u -D", "print -l $_comps[flowtape]"), ["_flowtape"]);
});

t.test("fish: commands with what they do, then their options and words", { skip: isMissing("fish") }, async (t) => {
	const ask = async (line: string) => (await runIn("fish", "", `complete -C ${JSON.stringify(line)}`)).map((found) => found.split("\t"));
	t.same(await ask("flowtape rec"), [["record", "record what's there: [everything]"]]);
	t.same(await ask("flowtape record --listen-p"), [["--listen-port", "Port."]]);
	t.match(await ask("flowtape completion b"), [["bash"]]);
});

t.test("quotes, colons and brackets in help do not end what they stand in", async (t) => {
	t.match(await script("zsh"), "'record:record what’s there\\: \\[everything\\]'");
	t.match(await script("zsh"), "'--json[It’s JSON\\: \\[really\\].]'");
	t.match(await script("fish"), "-l json -d 'It\\'s JSON: [really].'");
});

t.test("another shell is a mistake", async (t) => {
	t.match(await runCaptured(completion, ["tcsh"]), { status: 2, err: 'flowtape: completion: "tcsh" is none of bash, zsh, fish\n' });
});
