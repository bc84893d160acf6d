// Habits of CONTRIBUTING.md: a test for every file, a comment at the head of every file, and descriptive names.
// `npm run structure` checks the imports.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import t from "tap";

const filesIn = (folder: string): string[] =>
	readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
const isSource = (file: string): boolean => /(?<!\.d)\.c?ts$/.test(file);
const sources = ["src", "api", "commands", "formats", "integrations"].flatMap(filesIn).filter(isSource);

/** Files that only another program can load; a script in interop runs it. */
const loadedElsewhere = ["integrations/test/vitest.ts"];

/** Whether a file has more than types. For types alone, the compiler writes only `export {}`. */
function emitsCode(file: string): boolean {
	const emitted = readFileSync(join("build", file.replace(/ts$/, "js")), "utf8");
	return (
		emitted
			.replace(/^\s*\/\/.*$|\/\*[\s\S]*?\*\//gm, "")
			.replace(/export \{\s*\};/, "")
			.trim() !== ""
	);
}

t.test("every file with code has a test at the same path", async (t) => {
	t.ok(sources.length > 100, "the sources were found");
	const untested = sources.filter(
		(file) =>
			!loadedElsewhere.includes(file) &&
			emitsCode(file) &&
			!existsSync(join("test", file.replace(/\.c?ts$/, ".test.ts"))),
	);
	t.same(untested, []);
});

t.test("every file begins with a comment", async (t) => {
	const all = [...sources, "index.ts", ...["fixtures", "bench", "demo"].flatMap(filesIn).filter(isSource)];
	t.same(
		all.filter((file) => !/^(?:#!.*\n)?\/\/ \S/.test(readFileSync(file, "utf8"))),
		[],
	);
});

t.test("no file name is a filler", async (t) => {
	t.same(
		[...sources, ...filesIn("fixtures"), ...filesIn("test")].filter((file) =>
			/^(?:utils?|helpers?|common|misc|shared|stuff)\b/i.test(basename(file)),
		),
		[],
	);
	t.same(
		sources.filter((file) => !/^[a-z0-9]+(?:-[a-z0-9]+)*\.c?ts$/.test(basename(file))),
		[],
		"names are in kebab-case",
	);
});
