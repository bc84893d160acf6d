// A command that reads its input twice, from stdin.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { cliEnvironment, cliFile } from "../../../fixtures/cli.ts";
import { readTape, writeTape } from "../../../fixtures/tape-files.ts";

t.test("redaction of stdin finds a secret in a flow before the one that shows it, and leaves no file", async (t) => {
	const folder = t.testdir({ tmp: {} });
	for (const name of ["in.jsonl", "in.tape"]) {
		const tape = join(folder, name);
		await writeTape(tape, [
			httpFlow({ response: { body: "early: k1-l2-m3-n4" } }),
			httpFlow({ request: { path: "/?api_key=k1-l2-m3-n4" } }),
		]);
		const out = join(folder, "out.jsonl");
		const { status, stderr } = spawnSync(process.execPath, [cliFile, "rewrite", "-", "-o", out, "--redact", "-q"], {
			input: readFileSync(tape),
			env: { ...cliEnvironment(folder), TMPDIR: join(folder, "tmp") },
			encoding: "utf8",
		});
		t.equal(status, 0, stderr);
		t.notMatch(readFileSync(out, "utf8"), "k1-l2-m3-n4");
		t.equal((await readTape(out)).flows.length, 2);
		t.same(readdirSync(join(folder, "tmp")), []);
	}
});
