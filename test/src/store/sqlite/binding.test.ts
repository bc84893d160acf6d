// A binding that cannot be loaded is reported before it is loaded. The folders have the layout that npm creates.
import { createRequire } from "node:module";
import { join } from "node:path";
import t, { type Test } from "tap";
import { checkBinding, type NodeVersion } from "../../../../src/store/sqlite/binding.ts";

const node20 = { version: "v20.19.5", modules: "115" };
const node22 = { version: "v22.20.0", modules: "127" };

function installed(t: Test, manifest: object, binding: string | null) {
	const folder = t.testdir({
		node_modules: {
			"better-sqlite3": {
				"package.json": JSON.stringify({ version: "12.11.1", dependencies: { bindings: "^1" }, ...manifest }),
				lib: { "index.js": "" },
				...(binding !== null && { build: { Release: { "better_sqlite3.node": binding } } }),
			},
		},
	});
	const entry = join(folder, "node_modules/better-sqlite3/lib/index.js");
	return { folder, check: (node: NodeVersion) => checkBinding(entry, node) };
}

t.test("built for this Node.js, or for an unknown one", async (t) => {
	const built = "\x7fELF\0node_register_module_v115\0rest";
	t.doesNotThrow(() => installed(t, { engines: { node: "20.x || 22.x" } }, built).check(node20));
	t.doesNotThrow(() => installed(t, {}, "no such symbol").check(node22));
	t.doesNotThrow(() => installed(t, { dependencies: {} }, null).check(node22));
	checkBinding(createRequire(import.meta.url).resolve("better-sqlite3"));
});

t.test("built for another Node.js", async (t) => {
	const { folder, check } = installed(t, {}, "\0node_register_module_v127\0node_register_module_v127\0");
	t.throws(() => check(node20), {
		code: "FT_INSTALL",
		status: 4,
		message: `better-sqlite3 was built for another Node.js (module version 127, Node.js v20.19.5 has 115); run in ${folder}: npm rebuild better-sqlite3 --ignore-scripts=false`,
	});
});

t.test("a version of the package that does not support this Node.js", async (t) => {
	for (const range of [">=22", "22.x || 23.x || 24.x", "^22.12.0 || >=24", ">= 22.0.0"]) {
		const { folder, check } = installed(t, { version: "13.2.0", engines: { node: range } }, "");
		t.throws(() => check(node20), {
			code: "FT_INSTALL",
			message: `better-sqlite3 13.2.0 does not run on Node.js v20.19.5 (it needs ${range}); run in ${folder}: npm install better-sqlite3@12, or use another Node.js`,
		});
		t.doesNotThrow(() => check(node22), range);
	}
	t.doesNotThrow(() => installed(t, { engines: { node: "<99" } }, "").check(node20), "a range of an unknown form");
});

t.test("the install script did not run", async (t) => {
	const { folder, check } = installed(t, {}, null);
	t.throws(() => check(node20), {
		code: "FT_INSTALL",
		message: `better-sqlite3 was not built: its install script did not run, as with npm install --ignore-scripts; run in ${folder}: npm rebuild better-sqlite3 --ignore-scripts=false`,
	});
});
