// The hook of docs/redaction.md in a real repository: a commit with a secret is refused, a redacted tape passes.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import t from "tap";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { cliEnvironment, cliFile, flowtape } from "../../fixtures/cli.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

const TOKEN = "abcd-1234-efgh-5678";
const HOOK = /put this into `\.git\/hooks\/pre-commit`:\n\n```sh\n([\s\S]*?)```/;

t.test("a commit with a secret is refused, until the tape is redacted", async (t) => {
	const folder = t.testdir();
	const bin = join(folder, "bin");
	mkdirSync(bin);
	writeFileSync(join(bin, "flowtape"), `#!/bin/sh\nexec '${process.execPath}' '${cliFile}' "$@"\n`, { mode: 0o755 });
	const repository = join(folder, "repository");
	const identity = { GIT_AUTHOR_NAME: "Ann", GIT_AUTHOR_EMAIL: "ann@a.example" };
	const env = cliEnvironment(folder, {
		PATH: `${bin}${delimiter}${process.env.PATH}`,
		GIT_CONFIG_GLOBAL: "/dev/null",
		GIT_CONFIG_SYSTEM: "/dev/null",
		...identity,
		GIT_COMMITTER_NAME: identity.GIT_AUTHOR_NAME,
		GIT_COMMITTER_EMAIL: identity.GIT_AUTHOR_EMAIL,
	});
	execFileSync("git", ["init", "-q", repository], { env });
	const git = (...args: string[]) => spawnSync("git", args, { cwd: repository, env, encoding: "utf8" });
	const hook = HOOK.exec(readFileSync("docs/redaction.md", "utf8"))?.[1] ?? "";
	t.match(hook, /^#!\/bin\/sh\n/);
	const hookFile = join(repository, ".git/hooks/pre-commit");
	mkdirSync(join(repository, ".git/hooks"), { recursive: true });
	writeFileSync(hookFile, hook);
	chmodSync(hookFile, 0o755);

	writeFileSync(join(repository, "readme.txt"), "no tape");
	git("add", ".");
	t.equal(git("commit", "-qm", "no tape").status, 0);

	const tapes = ["with a space.tape", "b.har", "c.mitm"];
	const secret = () => httpFlow({ request: { path: `/?api_key=${TOKEN}` }, response: { body: "ok" } });
	for (const tape of tapes) await writeTape(join(repository, tape), [secret()]);
	git("add", ".");
	const refused = git("commit", "-qm", "tapes");
	t.not(refused.status, 0);
	t.match(refused.stdout + refused.stderr, "request query api_key: key");
	t.notMatch(refused.stdout + refused.stderr, TOKEN);
	t.match(git("log", "--oneline").stdout, /^[^\n]*no tape\n$/, "nothing was committed");

	const redact = ["rewrite", "--redact", "--in-place", "-q", ...tapes];
	t.equal((await flowtape(redact, { cwd: repository, env })).status, 0);
	git("add", ".");
	const { status, stderr } = git("commit", "-qm", "tapes");
	t.equal(status, 0, stderr);
	git("rm", "-q", "b.har");
	t.equal(git("commit", "-qm", "a tape is removed").status, 0);
});
