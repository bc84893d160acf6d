// The gRPC library for Python through flowtape, in clear text and over TLS. Every kind of call must give the same
// messages, metadata and status as without a proxy, both live and in replay. Skipped if the library cannot be
// installed.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { discard } from "../fixtures/make/discard.mjs";
import { peersFolder } from "./peers/mitmproxy.mjs";
import { flowtape, startFlowtape } from "./peers/proxies.mjs";
import { check, reportTally } from "./peers/tally.mjs";

const VERSION = "1.*";
const calls = new URL("grpc/calls.py", import.meta.url).pathname;

const python = install();
if (python === null) {
	console.log("skipped: grpcio cannot be installed\n0 passed, 0 failed");
	process.exit(0);
}

const scratch = mkdtempSync(join(tmpdir(), "flowtape-grpc-"));
const env = { ...process.env, FLOWTAPE_HOME: join(scratch, "home"), GRPC_VERBOSITY: "NONE" };
try {
	await trial("clear text", [], []);
	const certificate = join(scratch, "cert.pem");
	const key = join(scratch, "key.pem");
	const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
	const { status } = spawnSync("openssl", [
		"req",
		"-x509",
		"-newkey",
		"rsa:2048",
		"-nodes",
		"-days",
		"2",
		"-keyout",
		key,
		"-out",
		certificate,
		...subject,
	]);
	if (status === 0) await trial("TLS", [certificate, key], ["--set", `ssl_verify_upstream_trusted_ca=${certificate}`]);
	else console.log("skipped: openssl is not installed, so nothing was tried over TLS");
} finally {
	await discard(scratch);
}
reportTally();

/** Runs the calls without a proxy, through `record`, and through `replay-server` after the server has stopped. */
async function trial(name, tls, options) {
	const tape = join(scratch, `${name}.tape`);
	const server = spawn(python, [calls, "serve", ...tls], { env, stdio: ["pipe", "pipe", "inherit"] });
	const [line] = await once(server.stdout.setEncoding("utf8"), "data");
	const address = `127.0.0.1:${line.trim()}`;
	const expected = await call(address, tls.slice(0, 1), {});
	const roots = tls.length === 0 ? [] : [authority()];

	const recorder = await startFlowtape("record", tape, options, { env });
	await compare(`${name}, record`, expected, await call(address, roots, proxy(recorder)));
	await recorder.stop();
	const gone = once(server, "exit");
	server.stdin.end();
	await gone;

	const replayer = await startFlowtape("replay-server", tape, [], { env });
	await compare(`${name}, replay`, expected, await call(address, roots, proxy(replayer)));
	await replayer.stop();
}

async function compare(name, expected, found) {
	for (const [index, one] of expected.entries())
		await check(`${name}: ${JSON.parse(one)[0]}`, () => assert.equal(found[index], one));
	await check(`${name}: all calls`, () => assert.equal(found.length, expected.length));
}

function proxy({ port }) {
	const url = `http://127.0.0.1:${port}`;
	return { http_proxy: url, https_proxy: url, grpc_proxy: url, no_proxy: "", no_grpc_proxy: "" };
}

/** Runs the client; resolves to its output, line by line. */
async function call(address, roots, childEnv) {
	const child = spawn(python, [calls, "call", address, ...roots], {
		env: { ...env, ...childEnv },
		stdio: ["ignore", "pipe", "inherit"],
	});
	let said = "";
	child.stdout.setEncoding("utf8").on("data", (text) => {
		said += text;
	});
	await once(child, "close");
	return said.trim().split("\n");
}

/** Writes the certificate of flowtape's authority to a file; returns its path. */
function authority() {
	const path = join(scratch, "authority.pem");
	spawnSync("sh", ["-c", `"${process.execPath}" "${flowtape}" ca export > "${path}"`], { env });
	return path;
}

/** Returns a Python with grpc, installed into the folder of peers if it is missing; null if this fails. */
function install() {
	const folder = join(peersFolder(), "grpcio");
	const found = join(folder, "bin", "python");
	const works = () => existsSync(found) && spawnSync(found, ["-c", "import grpc"]).status === 0;
	if (works()) return found;
	rmSync(folder, { recursive: true, force: true });
	spawnSync("python3", ["-m", "venv", folder], { timeout: 300_000 });
	spawnSync(
		found,
		["-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:", `grpcio==${VERSION}`],
		{ timeout: 300_000 },
	);
	return works() ? found : null;
}
