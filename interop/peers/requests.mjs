// Finds the test suite of Python's requests, from its source distribution, with its dependencies. It is installed in
// the folder of peers: FLOWTAPE_PEERS, or a temporary folder that is kept. PYTHON names a Python other than python3.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peersFolder } from "./mitmproxy.mjs";

const VERSION = "2.32.5";
const PACKAGES = [
	`requests[socks]==${VERSION}`,
	"pytest==8.*",
	"pytest-httpbin==2.1.0",
	"httpbin==0.10.*",
	"trustme==1.*",
];

/**
 * `{ python, suite }`: the interpreter, and the folder whose tests/ it runs; null, with a message on stdout, if they
 * cannot be installed.
 */
export function findRequests() {
	const folder = join(peersFolder(), `requests-${VERSION}`);
	const found = { python: join(folder, "bin", "python"), suite: join(folder, `requests-${VERSION}`) };
	const complete = join(folder, "complete");
	if (existsSync(complete)) return found;
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	try {
		run(process.env.PYTHON ?? "python3", "-m", "venv", folder);
		run(found.python, "-m", "pip", "install", "-q", "--disable-pip-version-check", ...PACKAGES);
		run(
			found.python,
			"-m",
			"pip",
			"download",
			"-q",
			"--disable-pip-version-check",
			"--no-deps",
			"--no-binary",
			":all:",
			"-d",
			folder,
			`requests==${VERSION}`,
		);
		run("tar", "-xzf", `${found.suite}.tar.gz`, "-C", folder);
	} catch (error) {
		console.log(`skipped: the tests of requests ${VERSION} could not be installed: ${error.message}`);
		return null;
	}
	writeFileSync(complete, "");
	return found;
}

function run(program, ...args) {
	const { status, error, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 600_000 });
	if (error !== undefined) throw error;
	if (status !== 0) throw new Error(stderr.trim().split("\n").at(-1));
}
