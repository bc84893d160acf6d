// `npm run test:quick`: runs tests that need no sockets, child processes, threads or large data, all in one process, for
// quick feedback while editing.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const folders = [
	"flow",
	"filter",
	"regex",
	"json",
	"redact",
	"views",
	"export",
	"compare",
	"replay",
	"rewrite",
	"hooks",
	"scripts",
	"proxy/wire",
];

/** Imports of modules that open sockets or start processes or threads. */
const slowModules = /"(?:node:(?:net|tls|http2?|https|dgram|child_process|worker_threads)|ws)"/;
const known = new Map();

/** Whether a compiled test, or a fixture that it imports, uses such a module. */
function isSlow(file) {
	if (!known.has(file)) {
		known.set(file, false);
		const text = readFileSync(file, "utf8");
		const imported = [...text.matchAll(/from "(\.[^"]+)"/g)].map(([, path]) => join(dirname(file), path));
		known.set(
			file,
			slowModules.test(text) || imported.filter((path) => path.startsWith(join("build", "fixtures"))).some(isSlow),
		);
	}
	return known.get(file);
}

// tap reads this on import: the default limit is meant for one file, but here all files share one process
process.env.TAP_TIMEOUT = "600";
// read by fixtures/large.ts
process.env.TEST_QUICK = "1";
const { default: t } = await import("tap");
// the tests of the files run when this test ends; with nothing to run meanwhile, tap would end its report
t.test("loading the tests", async () => {
	for (const folder of folders) {
		const names = readdirSync(join("build/test/src", folder), { recursive: true }).filter((name) =>
			name.endsWith(".test.js"),
		);
		for (const file of names.sort().map((name) => join("build/test/src", folder, name)))
			if (!isSlow(file)) await import(pathToFileURL(file).href);
	}
});
