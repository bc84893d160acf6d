// Real clients browse a site of a hundred pages, images, an event stream and a WebSocket through the proxy, in every
// mode, over HTTP/1.1 and HTTP/2. Then the site is stopped, and the same clients must get the same content from the
// tapes. A client that is not installed is skipped. Ends with `N passed, N failed`.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { discard } from "../fixtures/make/discard.mjs";
import { findClients } from "./browse/clients.mjs";
import { startSite } from "./browse/site.mjs";
import { flowtape, startFlowtape } from "./peers/proxies.mjs";
import { check, reportTally } from "./peers/tally.mjs";

const run = promisify(execFile);
const LANES = 2;
const folder = mkdtempSync(join(tmpdir(), "flowtape-browse-"));
const env = { ...process.env, FLOWTAPE_HOME: join(folder, "home"), NO_COLOR: "1" };
for (const name of Object.keys(env)) if (/^(https?|all|no)_proxy$/i.test(name)) delete env[name];

function makeCertificate() {
	const key = [
		"-newkey",
		"ec",
		"-pkeyopt",
		"ec_paramgen_curve:prime256v1",
		"-nodes",
		"-days",
		"2",
		"-subj",
		"/CN=localhost",
	];
	const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
	execFileSync("openssl", ["req", "-x509", ...key, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", ...files], {
		stdio: "ignore",
	});
	return { key: readFileSync(join(folder, "key.pem")), cert: readFileSync(join(folder, "cert.pem")) };
}

/** Starts a server to which browsers send their reports. `next` waits for the report of a tour by its name. */
async function startReports() {
	const waiting = new Map();
	const server = createServer((request, response) => {
		const parts = [];
		request.on("data", (part) => parts.push(part));
		request.on("end", () => {
			waiting.get(request.url.replace(/^.*\?/, ""))?.(Buffer.concat(parts).toString());
			response.end();
		});
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	const host = `127.0.0.1:${server.address().port}`;
	return {
		host,
		next(name, patienceMs) {
			return new Promise((resolve, reject) => {
				const timer = setTimeout(() => reject(new Error(`the browser sent no report for ${name}`)), patienceMs);
				waiting.set(name, (report) => {
					clearTimeout(timer);
					resolve(report);
				});
			});
		},
		stop() {
			server.closeAllConnections();
			server.close();
		},
	};
}

/** The URLs that a client visits, one folder for each version of HTTP, each with its version. */
function targetsOf(client, { plain, secure }) {
	return [`${plain}/plain/ 1.1`, ...client.versions.map((version) => `${secure}/${version}/ ${version}`)];
}

/** Runs one client in one mode while `flowtape COMMAND` records or replays. Returns the client's output. */
async function session({ command, client, mode, site, upstream, ca, reports }) {
	const modes = {
		regular: ["regular"],
		reverse: [`reverse:http://127.0.0.1:${site.plain}`, `reverse:https://localhost:${site.secure}`],
		upstream: [`upstream:http://127.0.0.1:${upstream}`],
		socks5: ["socks5"],
	}[mode];
	const tape = join(folder, `${client.name}-${mode}.tape`);
	const args = [...modes.flatMap((one) => ["-m", one]), "--set", "ssl_insecure=true"];
	const direct = targetsOf(client, {
		plain: `http://127.0.0.1:${site.plain}`,
		secure: `https://localhost:${site.secure}`,
	});
	if (client.command !== undefined && mode !== "reverse") {
		const { stdout } = await run(
			process.execPath,
			[flowtape, command, tape, "-q", "-p", "0", ...args, "--", ...client.command, ...direct],
			{ env },
		);
		return stdout.trim();
	}
	const proxy = await startFlowtape(command, tape, args, { env, count: modes.length });
	try {
		const [plain, secure] = proxy.ports;
		const targets =
			mode === "reverse"
				? targetsOf(client, { plain: `http://127.0.0.1:${plain}`, secure: `https://localhost:${secure}` })
				: direct;
		const url = { reverse: null, socks5: `socks5://127.0.0.1:${proxy.port}` }[mode];
		return await client.browse({
			mode,
			proxy: url === undefined ? `http://127.0.0.1:${proxy.port}` : url,
			ca,
			targets,
			folder,
			env,
			reports,
		});
	} finally {
		assert.equal(await proxy.stop(), 0, "exit status");
	}
}

/** Checks that a client got all pages of all targets, over the expected versions of HTTP. */
function assertWhole(client, got) {
	const lines = got.split("\n");
	const count = 1 + client.versions.length;
	assert.equal(lines.filter((line) => line.startsWith("page/")).length, 100 * count, got);
	assert.equal(lines.filter((line) => line.startsWith("talk ")).length, client.talks ? count : 0);
	const spoken = lines
		.filter((line) => line.startsWith("protocol "))
		.map((line) => (/2|h2/.test(line.replace("HTTP/", "").replace("http/", "")) ? "2" : "1.1"));
	assert.deepEqual(spoken, ["1.1", ...client.versions]);
}

/** Runs jobs, some at a time. */
async function inLanes(jobs) {
	const left = [...jobs];
	const lane = async () => {
		for (let job = left.shift(); job !== undefined; job = left.shift()) await job();
	};
	await Promise.all(Array.from({ length: LANES }, lane));
}

let upstream;
try {
	const ca = join(folder, "ca.pem");
	writeFileSync(ca, execFileSync(process.execPath, [flowtape, "ca", "export"], { env }));
	const reports = await startReports();
	const site = await startSite(makeCertificate(), `http://${reports.host}/`);
	upstream = await startFlowtape("record", join(folder, "upstream.tape"), ["--set", "ssl_insecure=true"], { env });
	const { found, missing } = await findClients(folder);
	for (const why of missing) console.log(`skipped: ${why}`);
	const tours = found.flatMap((client) =>
		client.modes.map((mode) => ({ client, mode, site, upstream: upstream.port, ca, reports })),
	);
	const recorded = new Map();
	await inLanes(
		tours.map(
			(tour) => () =>
				check(`${tour.client.name} is recorded, ${tour.mode}`, async () => {
					recorded.set(tour, await session({ ...tour, command: "record" }));
					assertWhole(tour.client, recorded.get(tour));
				}),
		),
	);
	site.stop();
	await upstream.stop();
	await inLanes(
		tours.map(
			(tour) => () =>
				check(`${tour.client.name} gets the same with the site stopped, ${tour.mode}`, async () => {
					assert.equal(await session({ ...tour, command: "replay-server" }), recorded.get(tour));
				}),
		),
	);
	reports.stop();
} finally {
	await upstream?.stop();
	await discard(folder);
}
reportTally();
