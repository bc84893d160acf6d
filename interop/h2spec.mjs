// Runs h2spec, a conformance suite for HTTP/2 servers, against flowtape in clear text and over TLS, live and in replay.
// Node handles the frames, so a case in which a bare node:http2 server fails too is reported but does not count.
// Skipped if h2spec cannot be installed with Go.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { discard } from "../fixtures/make/discard.mjs";
import { peersFolder } from "./peers/mitmproxy.mjs";
import { startFlowtape } from "./peers/proxies.mjs";
import { check, reportTally } from "./peers/tally.mjs";

const VERSION = "v2.2.1+incompatible";
/** Cases that fail for a reason other than a defect. */
const NOT_COUNTED = new Set([
	// flowtape also accepts HTTP/1.1 on this port, so it answers an invalid preface with 400 in HTTP/1.1
	"http2/3.5: Sends invalid connection preface",
	// a response that is sent before the second frame arrives closes the stream, and Node ignores DATA on a closed stream
	"http2/5.1: half closed (remote): Sends a DATA frame",
	"http2/5.1: half closed (remote): Sends a HEADERS frame",
	"http2/6.1: Sends a DATA frame on the stream that is not in &#34;open&#34; or &#34;half-closed (local)&#34; state",
]);

const program = install();
if (program === null) {
	console.log("skipped: Go cannot install h2spec\n0 passed, 0 failed");
	process.exit(0);
}

const scratch = mkdtempSync(join(tmpdir(), "flowtape-h2spec-"));
const env = { ...process.env, FLOWTAPE_HOME: join(scratch, "home") };
const origin = createServer((request, response) => request.resume().on("end", () => response.end("hello\n")));
const yardstick = createHttp2Server((request, response) => request.resume().on("end", () => response.end("hello\n")));
try {
	const target = `reverse:http://127.0.0.1:${await listen(origin)}`;
	const failsInNode = await failures(await listen(yardstick), []);
	for (const name of failsInNode.failed) console.log(`not counted, a bare node:http2 server fails too: ${name}`);

	const tape = join(scratch, "a.tape");
	const recorder = await startFlowtape("record", tape, ["-m", target], { env });
	await hold("record, clear text", recorder.port, []);
	await hold("record, TLS", recorder.port, ["-t", "-k"]);
	await recorder.stop();
	const replayer = await startFlowtape("replay-server", tape, ["-m", target, "--reuse"], { env });
	await hold("replay-server, clear text", replayer.port, []);
	await replayer.stop();

	async function hold(name, port, options) {
		const { ran, failed } = await failures(port, options);
		for (const one of ran) {
			if (failsInNode.failed.has(one) || NOT_COUNTED.has(one)) continue;
			await check(`${name}: ${one}`, () => {
				if (failed.has(one)) throw new Error("h2spec says that this case fails");
			});
		}
		await check(`${name}: h2spec ran`, () => {
			if (ran.size < 100) throw new Error(`only ${ran.size} cases ran`);
		});
	}
} finally {
	origin.close();
	yardstick.close();
	await discard(scratch);
}
reportTally();

/** Installs h2spec into the folder of peers if it is missing. Returns its path; null if that fails. */
function install() {
	const folder = join(peersFolder(), `h2spec-${VERSION}`);
	const path = join(folder, "h2spec");
	if (existsSync(path)) return path;
	mkdirSync(folder, { recursive: true });
	const go = ["go", "/usr/local/go/bin/go"].find((name) => spawnSync(name, ["version"]).status === 0);
	if (go === undefined) return null;
	const { status } = spawnSync(go, ["install", `github.com/summerwind/h2spec/cmd/h2spec@${VERSION}`], {
		env: { ...process.env, GOBIN: folder },
		timeout: 300_000,
	});
	return status === 0 && existsSync(path) ? path : null;
}

function listen(server) {
	return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
}

/**
 * Runs h2spec against a local port. Returns the names of all cases that ran (`ran`) and of those that failed
 * (`failed`).
 */
async function failures(port, options) {
	const report = join(scratch, `${port}-${options.length}.xml`);
	const child = spawn(program, ["-h", "127.0.0.1", "-p", String(port), "-o", "2", "-j", report, ...options], {
		stdio: "ignore",
	});
	await new Promise((resolve) => child.once("exit", resolve));
	const ran = new Set();
	const failed = new Set();
	for (const [, section, name, rest] of readFileSync(report, "utf8").matchAll(
		/<testcase package="([^"]*)" classname="([^"]*)"[^>]*>([\s\S]*?)<\/testcase>/g,
	)) {
		const id = `${section}: ${name}`;
		ran.add(id);
		if (/<(failure|error)\b/.test(rest)) failed.add(id);
	}
	return { ran, failed };
}
