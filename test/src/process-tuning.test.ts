// V8 flags affect the whole process: none is set before tuneProcess is called, and everything works without.
import { createRequire } from "node:module";
import type * as V8 from "node:v8";
import { runInNewContext } from "node:vm";
import t from "tap";
import { collectTransientBuffers } from "../../src/flow/young-buffers.ts";
import { exposeCollect, isProcessTuned, tuneProcess, useLinearEngine } from "../../src/process-tuning.ts";
import { compilePythonRegex } from "../../src/regex/python-regex.ts";

const v8 = createRequire(import.meta.url)("node:v8") as { setFlagsFromString: typeof V8.setFlagsFromString };
const flags: string[] = [];
const { setFlagsFromString } = v8;
v8.setFlagsFromString = (flag) => {
	flags.push(flag);
	setFlagsFromString(flag);
};

t.test("no flag is set without tuneProcess", async (t) => {
	t.notOk(isProcessTuned());
	t.equal(exposeCollect(), null);
	useLinearEngine();
	collectTransientBuffers(64 * 1024 * 1024);
	const runaway = compilePythonRegex("^(a+)+$", { kind: "text" });
	t.ok(runaway.test("a".repeat(50)));
	t.throws(() => runaway.test(`${"a".repeat(50_000)}!`), { code: "FT_PATTERN_STOPPED" });
	t.same(flags, []);
});

t.test("after tuneProcess, a flag is set once it is useful, and gc is not exposed to other code", async (t) => {
	tuneProcess();
	t.same(flags, []);
	t.ok(isProcessTuned());
	t.equal(typeof exposeCollect(), "function");
	t.same(flags, ["--expose-gc", "--no-expose-gc"]);
	t.equal(runInNewContext("typeof gc"), "undefined");
	// not the pattern from above, which V8 may still have as it was compiled then
	const runaway = compilePythonRegex("^(b+)+$", { kind: "text" });
	t.equal(runaway.test(`${"b".repeat(50_000)}!`), false);
	t.match(flags.slice(2), [/--regexp-backtracks/, /--enable-experimental-regexp-engine/]);
	useLinearEngine();
	t.equal(flags.length, 4, "once");
});
