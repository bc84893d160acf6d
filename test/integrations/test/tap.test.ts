// `useTape` in a file of tap: subtests, and failing tests.
import { execFile } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import t, { type Test } from "tap";
import { cliEnvironment } from "../../../fixtures/cli.ts";
import { startOutsideServer } from "../../../fixtures/outside-server.ts";

const adapter = new URL("../../../integrations/test/tap.js", import.meta.url).href;

function run(t: Test, body: string, env: NodeJS.ProcessEnv): Promise<{ status: number; out: string }> {
	const file = join(t.testdirName, "users.test.mjs");
	mkdirSync(join(t.testdirName, "node_modules"), { recursive: true });
	symlinkSync(resolve("node_modules/tap"), join(t.testdirName, "node_modules/tap"));
	writeFileSync(
		file,
		`import t from "tap";
import { useTape } from ${JSON.stringify(adapter)};
const tape = useTape();
const n = async (path) => (await (await fetch(process.env.API + path)).json()).n;
${body}`,
	);
	return new Promise((done) => {
		execFile(
			process.execPath,
			[file],
			{ env: cliEnvironment(t.testdirName, env), cwd: t.testdirName },
			(error, stdout, stderr) => done({ status: Number(error?.code ?? 0), out: stdout + stderr }),
		);
	});
}

t.test("records, with subtests, and keeps nothing of a failed test", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const { status, out } = await run(
		t,
		`t.test("outer", async (t) => {
	t.equal(await n("/a"), 1);
	await t.test("inner", async (t) => t.equal(await n("/a"), 2));
});`,
		{ API: server.url },
	);
	t.equal(status, 0, out);
});

t.test("a miss fails its test, with the explanation", async (t) => {
	t.testdir();
	const { status, out } = await run(t, `t.test("asks", async (t) => { await fetch("http://api.example.test/a"); });`, {
		CI: "1",
	});
	t.equal(status, 1, out);
	t.match(out, /not ok \d+ - asks: 1 request has no recording\n[\s\S]*No recording answers GET[\s\S]*npx tap/);
	t.match(out, /users\.test\.mjs:5:\d+/, "the stack points to the request");
});
