// Limits for the files and bytes that an import of the package loads. They determine its time, which depends on the
// machine.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import t, { type Test } from "tap";

const dist = resolve("dist");

/** The files of the package that a program loads, according to the coverage report of V8. */
function loadedBy(t: Test, program: string): string[] {
	const folder = join(t.testdirName, "coverage");
	mkdirSync(folder, { recursive: true });
	execFileSync(process.execPath, ["--input-type=module", "-e", program], {
		env: { PATH: process.env.PATH, NODE_V8_COVERAGE: folder },
	});
	const reports = readdirSync(folder).map(
		(name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as { result: { url: string }[] },
	);
	const urls = reports.flatMap(({ result }) => result.map(({ url }) => url)).filter((url) => url.startsWith("file:"));
	return [...new Set(urls)].map((url) => fileURLToPath(url)).filter((file) => file.startsWith(dist + sep));
}

const bytesOf = (files: readonly string[]) => files.reduce((sum, file) => sum + statSync(file).size, 0);

/** Modules of Node that are loaded quickly. An import of `node:fs` or `node:util` also loads others. */
const SMALL = new Set<string | undefined>(["node:module", "node:path", "node:url"]);

for (const [file, most] of Object.entries({
	"index.js": { files: 12, kilobytes: 132 },
	"flow.js": { files: 6, kilobytes: 48 },
	"hooks.js": { files: 4, kilobytes: 2 },
})) {
	t.test(file, async (t) => {
		t.testdir();
		const files = loadedBy(t, `await import(${JSON.stringify(pathToFileURL(join(dist, file)).href)})`);
		t.ok(files.includes(join(dist, file)));
		t.ok(files.length <= most.files, `${files.length} files`);
		t.ok(bytesOf(files) <= most.kilobytes * 1024, `${bytesOf(files)} bytes`);
		const imports = files.flatMap((file) => [...readFileSync(file, "utf8").matchAll(/^import .*"(node:.+)";$/gm)]);
		t.same(
			imports.map(([, module]) => module).filter((module) => !SMALL.has(module)),
			[],
			"large modules of Node are loaded when they are used",
		);
	});
}

t.test("all entries export the same classes, and a function loads the rest", async (t) => {
	t.testdir();
	const urls = ["index.js", "flow.js"].map((name) => JSON.stringify(pathToFileURL(join(dist, name)).href));
	const files = loadedBy(
		t,
		`const [library, flow] = await Promise.all([import(${urls[0]}), import(${urls[1]})]);
		if (library.HttpFlow !== flow.HttpFlow || library.Headers !== flow.Headers) throw new Error("two classes");
		await library.openTape("/none.tape").catch((error) => { if (!library.FlowtapeError.is(error, "FT_NOT_FOUND")) throw error; });`,
	);
	t.ok(files.length > 10, "formats came later");
});

t.test("the engine of tests is one file, besides what it loads later", async (t) => {
	const importsOf = (file: string) => [...readFileSync(file, "utf8").matchAll(/\b(?:from|import) ?"(\.[^"]+)"/g)];
	const entry = join(dist, "test/engine.js");
	t.same([...new Set(importsOf(entry).map(([, path]) => path))].length, 1);
	t.same(importsOf(join(dist, "test", importsOf(entry)[0]?.[1] ?? "")), []);
});
