// Dumps, tested with releases of mitmproxy. Each release loads the dumps that flowtape writes in every version. Every
// flow is counted and compared, because releases drop flows silently. flowtape reads the dumps that a release writes,
// and the flows are compared. Each release is installed in a virtual environment of a Python that it supports, in the
// folder FLOWTAPE_RELEASES (default: a temporary folder). A release is skipped if such a Python or the package index is
// not available. Ends with `N passed, N failed`.
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, promisify } from "node:util";
import { discard } from "../fixtures/make/discard.mjs";
import { flowtape } from "./peers/proxies.mjs";
import { expect, reportTally, tally } from "./peers/tally.mjs";

const run = promisify(execFile);
const maxBuffer = 256 * 1024 * 1024;
const here = new URL(".", import.meta.url).pathname;
const script = join(here, "dumps.py");
const golden = join(here, "../fixtures/flows");
const kept = process.env.FLOWTAPE_RELEASES ?? join(tmpdir(), "flowtape-releases");
const folder = mkdtempSync(join(tmpdir(), "flowtape-dumps-"));

/** Releases, with the Python versions that they support, and the newest dump version that they read. */
const releases = [
	{ release: "8.1.1", pythons: ["3.9", "3.10"], reads: 17 },
	{ release: "9.0.1", pythons: ["3.9", "3.10", "3.11"], reads: 18 },
	{ release: "10.4.2", pythons: ["3.10", "3.11", "3.12"], reads: 20 },
	{ release: "11.0.2", pythons: ["3.10", "3.11", "3.12"], reads: 21 },
	{ release: "12.2.3", pythons: ["3.12", "3.13"], reads: 21 },
];
const versions = [15, 17, 18, 20, 21];

/** Finds a working Python of one of these versions; null if there is none. */
function findPython(wanted) {
	const installed = join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions");
	for (const version of wanted) {
		const ofPyenv = existsSync(installed)
			? readdirSync(installed).filter((name) => name.startsWith(`${version}.`))
			: [];
		for (const python of [`python${version}`, ...ofPyenv.map((name) => join(installed, name, "bin/python"))]) {
			try {
				execFileSync(python, ["-c", "import venv, ensurepip"], { stdio: "ignore" });
				return python;
			} catch {
				// try the next one
			}
		}
	}
	return null;
}

/**
 * Installs a release and returns the Python of its environment. Throws an error with the reason if this is not
 * possible.
 */
async function install({ release, pythons }) {
	const environment = join(kept, release);
	const python = join(environment, "bin/python");
	if (!existsSync(join(environment, "complete"))) {
		const base = findPython(pythons);
		if (base === null) throw new Error(`none of Python ${pythons.join(", ")} is installed`);
		rmSync(environment, { recursive: true, force: true });
		mkdirSync(kept, { recursive: true });
		await run(base, ["-m", "venv", environment]);
		await run(python, ["-m", "pip", "install", "-q", "--disable-pip-version-check", `mitmproxy==${release}`], {
			maxBuffer,
		}).catch((error) => {
			throw new Error(`it cannot be installed: ${error.stderr.trim().split("\n").at(-1)}`);
		});
		writeFileSync(join(environment, "complete"), "");
	}
	return python;
}

async function ours(...args) {
	const { stdout } = await run(process.execPath, [flowtape, ...args], { maxBuffer });
	return stdout;
}

async function load(python, files) {
	const { stdout } = await run(python, [script, "load", ...files], { maxBuffer });
	return JSON.parse(stdout);
}

/**
 * A flow as a release that reads versions up to `reads` returns it from a dump of this version; null if the version
 * cannot store the flow.
 */
function held(flow, version, reads) {
	if ((flow.type === "udp" && version < 18) || (flow.type === "dns" && version < 17)) return null;
	const { backup: _, timestamp_created, client_conn, server_conn, ...rest } = flow;
	const { proxy_mode, transport_protocol: client, ...restOfClient } = client_conn;
	const { transport_protocol: server, ...restOfServer } = server_conn;
	return {
		...rest,
		...(version > 15 ? { timestamp_created } : {}),
		// releases before 10 have no transport protocols
		client_conn: {
			...restOfClient,
			...(version < 18 || reads < 18 ? {} : { proxy_mode }),
			...(reads < 20 ? {} : { transport_protocol: client }),
		},
		server_conn: { ...restOfServer, ...(reads < 20 ? {} : { transport_protocol: server }) },
	};
}

/** A flow without the ids that the golden dump does not have. */
function likeIn(expected, flow) {
	const copy = structuredClone(flow);
	if (expected.id === undefined) delete copy.id;
	for (const name of ["client_conn", "server_conn"]) if (expected[name].id === undefined) delete copy[name].id;
	return copy;
}

function compare(what, { flows, error }, expected, version, reads) {
	const wanted = expected.map((flow) => held(flow, version, reads)).filter((flow) => flow !== null);
	expect(
		`${what}: number of flows`,
		flows.length === wanted.length && error === null,
		`${flows.length} of ${wanted.length}, ${error}`,
	);
	const ids = new Set();
	for (const [n, flow] of wanted.entries()) {
		const found = flows[n] && likeIn(flow, held(flows[n], version, reads));
		// of several flows with one id, the later ones get new, unique ids
		const isRenamed = ids.has(flow.id) && found !== undefined && !ids.has(found.id);
		const differ = Object.keys(flow).filter(
			(key) => !(key === "id" && isRenamed) && !isDeepStrictEqual(found?.[key], flow[key]),
		);
		ids.add(found?.id);
		expect(
			`${what}: flow ${n}`,
			found !== undefined && differ.length === 0,
			differ.map((key) => `${key} ${JSON.stringify(found?.[key])} for ${JSON.stringify(flow[key])}`).join("\n  "),
		);
	}
}

/** The bytes of a JSON line, or of a state, as a string with one character per byte. */
function latin1(value) {
	if (typeof value?.bytes === "string") return value.bytes;
	if (typeof value?.$base64 === "string") return Buffer.from(value.$base64, "base64").toString("latin1");
	return typeof value === "string" ? Buffer.from(value).toString("latin1") : value;
}

/** Checks that a line of `filter --json` and mitmproxy agree on a flow. */
function compareLine(what, line, flow) {
	const names = { body: "content", status: "status_code" };
	const same = (theirs, mine) => {
		if (Array.isArray(theirs))
			return Array.isArray(mine) && theirs.length === mine.length && theirs.every((item, n) => same(item, mine[n]));
		return isDeepStrictEqual(latin1(mine), latin1(theirs));
	};
	const differ = ["id", "type", "marked", "comment", "is_replay"].filter((key) => line[key] !== flow[key]);
	for (const part of ["client_conn", "server_conn", ...(flow.type === "http" ? ["request", "response"] : [])]) {
		if (line[part] === null || flow[part] === null) {
			if (line[part] !== flow[part]) differ.push(part);
			continue;
		}
		const mine = Object.fromEntries(Object.entries(line[part]).map(([key, value]) => [names[key] ?? key, value]));
		differ.push(
			...Object.keys(flow[part])
				.filter((key) => !same(flow[part][key], mine[key]))
				.map((key) => `${part}.${key}`),
		);
	}
	expect(`${what}: flow ${flow.id}`, differ.length === 0, differ.join(", "));
}

async function tryRelease({ release, reads }, python, dumps, expected) {
	const written = versions.filter((version) => version <= reads);
	// flowtape reads a dump of the release, and writes it back in every version that the release reads
	const made = join(folder, `${release}.mitm`);
	await run(python, [script, "make", made]);
	const lines = join(folder, `${release}.jsonl`);
	await ours("convert", made, lines);
	const back = written.map((version) => join(folder, `${release}-${version}.mitm`));
	for (const [n, version] of written.entries())
		await ours("convert", lines, back[n], "--dump-version", String(version));
	const [own, ...loaded] = await load(python, [made, ...back, ...written.map((version) => dumps.get(version))]);
	expect(`${release} loads what it wrote itself`, own.error === null && own.flows.length >= 10);
	const read = (await ours("filter", "~all", made, "--json"))
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line));
	expect(`${release}: number of flows read`, read.length === own.flows.length, `${read.length} of ${own.flows.length}`);
	for (const [n, flow] of own.flows.entries()) compareLine(`${release}, read`, read[n] ?? {}, flow);
	for (const [n, version] of written.entries()) {
		compare(`${release}, its own flows in version ${version}`, loaded[n], own.flows, version, reads);
		compare(`${release}, golden dumps in version ${version}`, loaded[n + written.length], expected, version, reads);
	}
}

try {
	const names = readdirSync(golden).filter((name) => /^mitm-.*\.mitm$/.test(name));
	const expected = names.flatMap((name) =>
		JSON.parse(readFileSync(join(golden, name.replace(/mitm$/, "json")), "utf8")),
	);
	const dumps = new Map(versions.map((version) => [version, join(folder, `golden-${version}.mitm`)]));
	for (const [version, dump] of dumps)
		await ours(
			"filter",
			"~all",
			...names.map((name) => join(golden, name)),
			"-o",
			dump,
			"--dump-version",
			String(version),
		);
	for (const each of releases) {
		let python;
		try {
			python = await install(each);
		} catch (error) {
			process.stdout.write(`mitmproxy ${each.release} is skipped: ${error.message}\n`);
			continue;
		}
		const before = tally.passed;
		await tryRelease(each, python, dumps, expected);
		process.stdout.write(`mitmproxy ${each.release}: ${tally.passed - before} checks passed\n`);
	}
} finally {
	await discard(folder);
}
reportTally();
