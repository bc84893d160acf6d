// Finds the mitmproxy for the interoperability tests: a Python that can import it. MITM_PYTHON names one. Otherwise
// mitmproxy is looked for in the folder of peers, and installed there if it is missing: FLOWTAPE_PEERS, or a temporary
// folder that is kept.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const VERSION = "11.0.2";
/** Older versions support neither atomic groups nor possessive quantifiers. */
const PYTHONS = ["python3.11", "python3.12", "python3.13", "python3"];

/** The folder in which peers are installed. */
export function peersFolder() {
	return process.env.FLOWTAPE_PEERS ?? join(tmpdir(), "flowtape-peers");
}

/** The path of the Python with mitmproxy; null, with a message on stdout, if there is none. */
export function findMitmproxy() {
	const named = process.env.MITM_PYTHON;
	if (named !== undefined)
		return hasMitmproxy(named) ? named : missing(`MITM_PYTHON, which is ${named}, cannot import mitmproxy`);
	const folder = join(peersFolder(), `mitmproxy-${VERSION}`);
	const python = join(folder, "bin", "python");
	// an interrupted run may have left an incomplete installation
	const isWhole = () => existsSync(join(folder, "bin", "mitmdump")) && hasMitmproxy(python);
	if (isWhole()) return python;
	const base = PYTHONS.find((name) =>
		succeeds(name, "-c", "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))"),
	);
	if (base === undefined) return missing(`there is no ${PYTHONS.slice(0, 3).join(", ")}`);
	process.stdout.write(`installing mitmproxy ${VERSION} in ${folder}\n`);
	const isMade =
		succeeds(base, "-m", "venv", "--clear", folder) &&
		succeeds(python, "-m", "pip", "install", "-q", `mitmproxy==${VERSION}`);
	return isMade && isWhole() ? python : missing(`mitmproxy ${VERSION} could not be installed`);
}

function missing(why) {
	process.stdout.write(`skipped: ${why}\n`);
	return null;
}

function hasMitmproxy(python) {
	return succeeds(python, "-c", "import mitmproxy.flowfilter");
}

function succeeds(program, ...args) {
	return spawnSync(program, args, { stdio: ["ignore", "ignore", "ignore"], timeout: 600_000 }).status === 0;
}
