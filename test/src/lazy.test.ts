// Modules are loaded on first use, once.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { lazily } from "../../src/lazy.ts";

t.test("the first call loads the module, later calls return the same one", async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "flowtape-lazy-"));
	t.teardown(() => rmSync(folder, { recursive: true }));
	const file = join(folder, "counter.cjs");
	writeFileSync(
		file,
		"globalThis.loads = (globalThis.loads ?? 0) + 1;\nmodule.exports = { loads: globalThis.loads };\n",
	);
	const loads = () => (globalThis as { loads?: number }).loads;
	const counter = lazily<{ loads: number }>(file);
	t.equal(loads(), undefined, "naming a module does not load it");
	t.equal(counter().loads, 1);
	t.equal(counter(), counter());
	t.equal(loads(), 1);
});

t.test("a missing module is an error of every call", async (t) => {
	const missing = lazily<unknown>("no-such-package");
	for (const _ of [1, 2]) t.throws(missing, { code: "MODULE_NOT_FOUND" });
});
