// Installed programs are found on the PATH.
import { chmodSync } from "node:fs";
import { delimiter, join } from "node:path";
import t from "tap";
import { hasProgram } from "../../src/programs.ts";

t.test("by the PATH of the environment", async (t) => {
	const folder = t.testdir({ one: {}, two: { tool: "", "tool.exe": "" } });
	chmodSync(join(folder, "two/tool"), 0o755);
	const PATH = [join(folder, "one"), "", join(folder, "two")].join(delimiter);
	t.equal(hasProgram("tool", { PATH }), true);
	t.equal(hasProgram("tool", { PATH: join(folder, "one") }), false);
	t.equal(hasProgram("tool", {}), false);
	t.equal(hasProgram("tool", { PATH: join(folder, "two") }, "win32"), true);
	t.equal(hasProgram("no-such-tool", { PATH }, "linux"), false);
});
