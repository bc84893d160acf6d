// `npm run test:quick`: the tests of what needs no socket and no child process, all in this one process, for use while one writes.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const folders = ["flow", "filter", "regex", "json", "views", "export", "compare", "replay", "rewrite", "hooks", "scripts", "proxy/wire"];

/** What opens sockets, starts processes or threads. */
const slowModules = /"(?:node:(?:net|tls|http2?|https|dgram|child_process|worker_threads)|ws)"/;
const known = new Map();

/** Whether a compiled test, or a fixture that it imports, needs such a module. */
function isSlow(file) {
	if (!known.has(file)) {
		known.set(file, false);
		const text = readFileSync(file, "utf8");
		const imported = [...text.matchAll(/from "(\.[^"]+)"/g)].map(([, path]) => join(dirname(file), path));
		known.set(file, slowModules.test(text) || imported.filter((path) => path.startsWith(join("build", "fixtures"))).some(isSlow));
	}
	return known.get(file);
}

// tap reads it when it is loaded: the limit of time of one file is not that of all of them
process.env.TAP_TIMEOUT = "600";
for (const folder of folders) {
	const names = readdirSync(join("build/test/src", folder), { recursive: true }).filter((name) => name.endsWith(".test.js"));
	for (const file of names.sort().map((name) => join("build/test/src", folder, name))) if (!isSlow(file)) await import(pathToFileURL(file).href);
}
