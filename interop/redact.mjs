// Chromium logs in to a site and uses its token, over HTTP/1.1 and HTTP/2, while flowtape records with --redact: no byte of
// the tape, of temporary files and of the log tells a secret. Then the site is stopped, and the same page works from the
// tape with another password and key. The same with a tape that is cleaned afterwards. Other formats of both tapes have no
// secret either, and mitmproxy opens them. Ends with `N passed, N failed`.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { createHash, randomBytes, X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { findChromium, startChromium } from "../fixtures/make/chromium.mjs";
import { discard } from "../fixtures/make/discard.mjs";
import { findMitmproxy } from "./peers/mitmproxy.mjs";
import { flowtape, startFlowtape } from "./peers/proxies.mjs";
import { check, reportTally } from "./peers/tally.mjs";
import { startSite } from "./redact/site.mjs";

const PATIENCE_MS = 120_000;
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "flowtape-redact-"));
const places = { home: join(folder, "home"), temporary: join(folder, "temporary"), tapes: join(folder, "tapes") };
for (const place of Object.values(places)) mkdirSync(place);
const env = { ...process.env, FLOWTAPE_HOME: places.home, TMPDIR: places.temporary, NO_COLOR: "1" };
for (const name of Object.keys(env)) if (/^(https?|all|no)_proxy$/i.test(name)) delete env[name];

const secrets = {
	password: `Pw/${randomBytes(6).toString("hex")}+&x`,
	token: `${randomBytes(15).toString("base64")}/+${randomBytes(16).toString("base64")}`,
	session: randomBytes(16).toString("hex"),
	key: randomBytes(12).toString("hex"),
};
const others = { password: "other-Password-1", key: "another-key-4711" };

/** The ways in which a secret may be written. */
function formsOf(secret) {
	const percent = encodeURIComponent(secret);
	const hex = Buffer.from(secret).toString("hex");
	const base64 = [0, 1, 2].flatMap((before) =>
		["base64", "base64url"].map((coding) =>
			Buffer.from("\0".repeat(before) + secret)
				.toString(coding)
				.slice([0, 2, 3][before], Math.floor(((before + secret.length) * 8) / 6)),
		),
	);
	return [
		secret,
		percent,
		percent.replace(/%../g, (code) => code.toLowerCase()),
		encodeURIComponent(percent),
		JSON.stringify(secret).slice(1, -1).replaceAll("/", "\\/"),
		secret.replaceAll("&", "&amp;"),
		secret.replaceAll("&", "\\u0026"),
		hex,
		hex.toUpperCase(),
		...base64,
	];
}

const forms = Object.values(secrets).flatMap(formsOf);

function hasSecret(bytes) {
	if (forms.some((form) => bytes.includes(form))) return true;
	for (let at = bytes.indexOf("\x1f\x8b\b", 0, "latin1"); at >= 0; at = bytes.indexOf("\x1f\x8b\b", at + 1, "latin1")) {
		try {
			const unpacked = gunzipSync(bytes.subarray(at), { finishFlush: 2 });
			if (forms.some((form) => unpacked.includes(form))) return true;
		} catch {
			// not the beginning of a gzip member
		}
	}
	return false;
}

const dirtyFiles = () =>
	readdirSync(folder, { recursive: true })
		.map((name) => join(folder, name))
		.filter((path) => statSync(path).isFile() && hasSecret(readFileSync(path)));

function makeCertificate() {
	const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(folder, name));
	const args = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost".split(
		" ",
	);
	execFileSync("openssl", [...args, "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], {
		stdio: "ignore",
	});
	return { key: readFileSync(key), cert: readFileSync(cert) };
}

/** Receives the reports of the page. */
async function startReports() {
	let onReport = () => {};
	const server = createServer(async (request, response) => {
		onReport(await text(request));
		response.end();
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		host: `127.0.0.1:${server.address().port}`,
		next: () =>
			new Promise((resolve, reject) => {
				const timer = setTimeout(() => reject(new Error("the page sent no report")), PATIENCE_MS);
				onReport = (report) => {
					clearTimeout(timer);
					resolve(report);
				};
			}),
		stop() {
			server.closeAllConnections();
			server.close();
		},
	};
}

/** Opens the page over each version of HTTP. Resolves to its reports. */
async function browse(proxyPort, { site, reports, trust }, { password, key }) {
	const fragment = encodeURIComponent(JSON.stringify({ password, key, report: `http://${reports.host}/` }));
	const got = [];
	for (const [url, flags] of [
		[`http://localhost:${site.plain}/`, []],
		[`https://localhost:${site.secure}/`, ["--disable-http2"]],
		[`https://localhost:${site.secure}/`, []],
	]) {
		const args = [
			"--headless",
			"--disable-quic",
			"--disable-background-networking",
			"--disable-component-update",
			"--disable-sync",
			`--proxy-server=http://127.0.0.1:${proxyPort}`,
			`--proxy-bypass-list=<-loopback>;${reports.host}`,
			`--ignore-certificate-errors-spki-list=${trust}`,
			...flags,
			`${url}#${fragment}`,
		];
		// the profile of the browser is not ours to clean
		const browser = startChromium(findChromium(), args, { env: process.env, stdio: "ignore" });
		try {
			got.push(await reports.next());
		} finally {
			await browser.end();
			await discard(browser.profile);
		}
	}
	return got;
}

const whole = Array(3).fill("200 200 200 200 200 200 200 true");

/** Records or replays the three visits. Resolves to the reports and to what flowtape prints. */
async function session(command, tape, args, parts, given) {
	const proxy = await startFlowtape(command, join(places.tapes, tape), ["--set", "ssl_insecure=true", ...args], {
		env,
	});
	let got;
	try {
		got = await browse(proxy.port, parts, given);
	} finally {
		assert.equal(await proxy.stop(), 0, "exit status");
	}
	return got;
}

const FORMATS = ["har", "mitm", "jsonl"];
/** Prints the number of HTTP flows that mitmproxy reads from a file. */
const COUNT = `
import sys
from mitmproxy.io import FlowReader
with open(sys.argv[1], "rb") as file:
    print(sum(hasattr(flow, "request") for flow in FlowReader(file).stream()))
`;

/** The number of HTTP flows in JSON lines. */
const flowsIn = (path) =>
	readFileSync(path, "utf8")
		.split("\n")
		.filter((line) => line.includes('"request":')).length;

const cli = (...args) => run(process.execPath, [flowtape, ...args], { env, cwd: places.tapes });

try {
	if (findChromium() === null) console.log("skipped: chromium: it is not installed");
	else {
		const site = await startSite({ certificate: makeCertificate(), secrets });
		const reports = await startReports();
		const mitmproxy = findMitmproxy();
		const pem = (await cli("ca", "export")).stdout;
		const trust = createHash("sha256")
			.update(new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" }))
			.digest("base64");
		const parts = { site, reports, trust };
		await check("the page works while it is recorded with --redact", async () =>
			assert.deepEqual(await session("record", "live.tape", ["--redact"], parts, secrets), whole),
		);
		await check("no file has a secret", async () => assert.deepEqual(dirtyFiles(), []));
		await check("the page works while it is recorded as it is", async () =>
			assert.deepEqual(await session("record", "cleaned.tape", [], parts, secrets), whole),
		);
		await check("the recording has secrets", async () => assert.equal(dirtyFiles().length, 1));
		await check("they are removed", async () => {
			await cli("rewrite", "cleaned.tape", "--redact", "--in-place");
			assert.deepEqual(dirtyFiles(), []);
		});
		site.stop();
		for (const tape of ["live.tape", "cleaned.tape"]) {
			await check(`scan finds no secret in ${tape}`, () => cli("scan", tape));
			await check(`no secret is in other formats of ${tape}`, async () => {
				for (const format of FORMATS) await cli("convert", tape, `${tape}.${format}`, "-q");
				assert.deepEqual(dirtyFiles(), []);
			});
			if (mitmproxy !== null)
				for (const format of ["har", "mitm"])
					await check(`mitmproxy opens the .${format} of ${tape}`, async () => {
						const { stdout } = await run(mitmproxy, ["-c", COUNT, join(places.tapes, `${tape}.${format}`)]);
						assert.equal(Number(stdout), flowsIn(join(places.tapes, `${tape}.jsonl`)));
					});
			await check(`the page works from ${tape} with another password`, async () => {
				const report = join(places.tapes, "report.jsonl");
				const args = ["--match-content", "meaning", "--report", report];
				assert.deepEqual(await session("replay-server", tape, args, parts, others), whole);
				const missed = readFileSync(report, "utf8")
					.split("\n")
					.filter((line) => line.includes('"event":"missed"') && line.includes(`localhost:${site.plain}`));
				assert.deepEqual(missed, []);
			});
		}
		reports.stop();
	}
} finally {
	await discard(folder);
}
reportTally();
