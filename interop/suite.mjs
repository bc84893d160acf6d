// The test suite of a public HTTP client, Python's requests, under `run`. It is recorded once against a local httpbin,
// and replayed after httpbin has stopped, in a network namespace without other hosts. The same tests must pass, without
// an attempt to connect.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { discard } from "../fixtures/make/discard.mjs";
import { flowtape } from "./peers/proxies.mjs";
import { findRequests } from "./peers/requests.mjs";
import { check, reportTally } from "./peers/tally.mjs";

const here = new URL(".", import.meta.url).pathname;

/** Tests that fail behind any proxy, by reason. */
const deselected = {
	"a host that does not exist: a client with a proxy gets a 502": [
		"test_requests.py::TestRequests::test_errors[http://doesnotexist.google.com-ConnectionError]",
	],
	"a certificate that the client rejects: it gets a certificate of the proxy, which it trusts": [
		"test_requests.py::TestRequests::test_certificate_failure",
	],
	"an address that does not answer: the client connects to the proxy": [
		"test_requests.py::TestTimeout::test_connect_timeout",
		"test_requests.py::TestTimeout::test_total_timeout_connect",
	],
	"credentials for a proxy: the proxy does not forward them (RFC 9110 section 11.7.1)": [
		"test_requests.py::TestRequests::test_proxy_authorization_preserved_on_request",
	],
	"a URL whose error is found only when connecting to its host": [
		"test_requests.py::TestPreparingURLs::test_redirecting_to_bad_url",
	],
	"variables for all schemes: the variables for one scheme, in lower case, take precedence": [
		"test_requests.py::test_proxy_env_vars_override_default",
		"test_lowlevel.py::test_use_proxy_from_environment",
	],
};

/**
 * Starts httpbin on 127.0.0.2. Tests start their own servers on 127.0.0.1, which can then be left out of the recording.
 */
async function startOrigin(python) {
	const child = spawn(python, [join(here, "suite", "suite.py"), "127.0.0.2"], { stdio: ["pipe", "pipe", "ignore"] });
	const ended = once(child, "exit").then(() => assert.fail("httpbin did not start"));
	const [line] = await Promise.race([once(child.stdout.setEncoding("utf8"), "data"), ended]);
	ended.catch(() => {});
	const [HTTPBIN_URL, HTTPBIN_SECURE_URL] = line.trim().split(" ");
	return {
		urls: { HTTPBIN_URL, HTTPBIN_SECURE_URL },
		async stop() {
			child.kill();
			if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
		},
	};
}

/** Runs the suite under `run`. Resolves to its output and exit status. `prefix`: a command that runs all of it. */
async function runSuite({ python, suite }, tape, env, { prefix = [], mode, more = [] }) {
	const options = [
		"-p",
		"0",
		"--record-mode",
		mode,
		"--match-content",
		"meaning",
		"-s",
		join(here, "suite", "hold.mjs"),
		...more,
	];
	const selection = Object.values(deselected).flatMap((tests) =>
		tests.flatMap((test) => ["--deselect", `tests/${test}`]),
	);
	const pytest = [
		python,
		"-m",
		"pytest",
		"-q",
		"-p",
		"no:httpbin",
		"-p",
		"suite",
		"-p",
		"no:cacheprovider",
		...selection,
		"tests",
	];
	const command = [
		...prefix,
		process.execPath,
		flowtape,
		"run",
		tape,
		...options,
		"--",
		"env",
		"NO_PROXY=127.0.0.1,localhost",
		...pytest,
	];
	const child = spawn(command[0], command.slice(1), {
		cwd: suite,
		env: { ...env, PYTHONPATH: join(here, "suite"), PYTHONDONTWRITEBYTECODE: "1" },
	});
	let said = "";
	for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (said += text));
	const [status] = await once(child, "close");
	return { said, status };
}

/** The number of tests that passed. */
function passedIn({ said, status }) {
	assert.equal(status, 0, said);
	return Number(/(\d+) passed/.exec(said)?.[1]);
}

/** A command prefix that runs a command with only a loopback interface; null if this is not permitted. */
function isolation() {
	const prefix = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
	return spawnSync(prefix[0], [...prefix.slice(1), "true"]).status === 0 ? prefix : null;
}

const peer = findRequests();
const folder = mkdtempSync(join(tmpdir(), "flowtape-suite-"));
try {
	const prefix = isolation();
	if (prefix === null) console.log("skipped: unshare --net is not allowed, or not installed");
	if (peer !== null && prefix !== null) {
		const tape = join(folder, "requests.tape");
		const env = { ...process.env, CI: "", FLOWTAPE_HOME: join(folder, "home"), NO_COLOR: "1" };
		const origin = await startOrigin(peer.python);
		let recorded = Number.NaN;
		await check("the suite is recorded", async () => {
			try {
				recorded = passedIn(
					await runSuite(
						peer,
						tape,
						{ ...env, ...origin.urls },
						{ mode: "once", more: ["--record-failures", "--set", "ssl_insecure=true"] },
					),
				);
			} finally {
				await origin.stop();
			}
			assert.ok(recorded > 500, `${recorded} tests passed`);
			assert.ok(existsSync(tape));
		});
		await check("the suite is replayed in an empty network namespace", async () => {
			const result = await runSuite(peer, tape, { ...env, ...origin.urls }, { mode: "none", prefix });
			assert.equal(passedIn(result), recorded);
			assert.match(result.said, /^served [1-9]\d*, missed 0, unused 0, egress 0$/m);
			console.log(`${recorded} tests; ${/^served .*/m.exec(result.said)?.[0]}`);
		});
	}
} finally {
	await discard(folder);
}
reportTally();
