// Real clients record a session through the proxy over HTTP and HTTPS, the site is stopped, and the same clients get the same
// answers from the tape: curl, Node's fetch and http, Python's requests, headless Chromium. A client that is not installed is skipped.
import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { check, tell } from "./peers/tally.mjs";

const run = promisify(execFile);
const flowtape = [process.execPath, join(new URL(".", import.meta.url).pathname, "../dist/commands/main.js")];
const python = process.env.PYTHON ?? "python3";
const folder = mkdtempSync(join(tmpdir(), "flowtape-clients-"));
const env = { ...process.env, FLOWTAPE_HOME: join(folder, "home"), NO_COLOR: "1" };
for (const name of Object.keys(env)) if (/^(https?|all|no)_proxy$/i.test(name)) delete env[name];

/** A small site whose every answer holds a count, so that an answer given twice must come from a recording. */
function startSite() {
	execFileSync(
		"openssl",
		[
			...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost"],
			...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")],
		],
		{ stdio: "ignore" },
	);
	let count = 0;
	const pages = {
		"/style.css": ["text/css", () => "body { color: green }"],
		"/script.js": [
			"text/javascript",
			() => "fetch('/data.json').then(r => r.json()).then(d => { document.getElementById('out').textContent = 'data ' + d.count })",
		],
		"/data.json": ["application/json", () => JSON.stringify({ count: ++count })],
		"/page": [
			"text/html",
			() => `<!doctype html><link rel=stylesheet href=/style.css><p id=count>${++count}</p><p id=out></p><script src=/script.js></script>`,
		],
	};
	const answer = (request, response) => {
		const parts = [];
		request
			.on("data", (part) => parts.push(part))
			.on("end", () => {
				const [type, body] = pages[request.url] ?? ["text/plain", () => `${request.method} ${request.url} ${Buffer.concat(parts)} ${++count}\n`];
				response.writeHead(200, { "Content-Type": type, "Set-Cookie": "sid=1; Expires=Wed, 01 Jan 2031 00:00:00 GMT" });
				response.end(body());
			});
	};
	const tls = { key: readFileSync(join(folder, "key.pem")), cert: readFileSync(join(folder, "cert.pem")) };
	const servers = [http.createServer(answer), https.createServer(tls, answer)];
	return Promise.all(servers.map((server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port))))).then((ports) => ({
		urls: [`http://127.0.0.1:${ports[0]}`, `https://localhost:${ports[1]}`],
		stop: () => {
			for (const server of servers) {
				server.closeAllConnections();
				server.close();
			}
		},
	}));
}

/** Starts a proxy command and resolves with its port once it says that it listens. */
async function startProxy(...args) {
	const child = spawn(flowtape[0], [...flowtape.slice(1), ...args, "-p", "0"], { env, stdio: ["ignore", "ignore", "pipe"] });
	let said = "";
	const port = await new Promise((resolve, reject) => {
		child.stderr.setEncoding("utf8").on("data", (text) => {
			said += text;
			const match = /listening on http:\/\/[^:]+:(\d+)/.exec(said);
			if (match) resolve(Number(match[1]));
		});
		child.once("exit", (status) => reject(new Error(`flowtape ended with ${status}: ${said}`)));
	});
	const ended = new Promise((resolve) => child.once("exit", resolve));
	return {
		url: `http://127.0.0.1:${port}`,
		async stop() {
			child.kill("SIGINT");
			return ended;
		},
	};
}

async function has(program, ...args) {
	return run(program, args).then(
		() => true,
		() => false,
	);
}

const nodeScript = `
const http = require("node:http"), https = require("node:https");
const get = (url) => new Promise((resolve, reject) => (url.startsWith("https") ? https : http).get(url, (r) => { let s = ""; r.on("data", (d) => s += d).on("end", () => resolve(r.statusCode + " " + s)); }).on("error", reject));
(async () => {
	for (const url of process.argv.slice(1)) {
		console.log(await (await fetch(url + "/fetch", { method: "POST", body: "a=1", headers: { "content-type": "text/plain" } })).text());
		console.log(await get(url + "/http"));
	}
})();`;

const pythonScript = `
import sys, requests
s = requests.Session()
for url in sys.argv[1:]:
    print(s.get(url + "/requests").text, s.post(url + "/requests", data={"b": "2"}).text)
`;

/** What each client prints for the site at `urls` through a proxy. */
const clients = {
	curl: {
		is: () => has("curl", "--version"),
		go: async (proxy, urls, ca) => {
			const out = [];
			for (const url of urls)
				out.push(
					(
						await run("curl", ["-sS", "-x", proxy, "--cacert", ca, `${url}/curl`, "--next", "-sS", "-x", proxy, "--cacert", ca, "-d", "x=1", `${url}/curl`], {
							env,
						})
					).stdout,
				);
			return out.join("");
		},
	},
	"python requests": {
		is: () => has(python, "-c", "import requests"),
		go: async (proxy, urls, ca) =>
			(
				await run(python, ["-c", pythonScript, ...urls], {
					env: { ...env, HTTP_PROXY: proxy, HTTPS_PROXY: proxy, http_proxy: proxy, https_proxy: proxy, REQUESTS_CA_BUNDLE: ca },
				})
			).stdout,
	},
	chromium: {
		is: () => has("chromium", "--version"),
		go: async (proxy, urls, ca) => {
			const key = new X509Certificate(readFileSync(ca)).publicKey.export({ type: "spki", format: "der" });
			const trust = createHash("sha256").update(key).digest("base64");
			const out = [];
			for (const url of urls) {
				const flags = [
					"--headless",
					"--no-sandbox",
					"--disable-gpu",
					"--disable-quic",
					"--no-first-run",
					"--disable-background-networking",
					"--disable-component-update",
					"--disable-sync",
				];
				const profile = mkdtempSync(join(folder, "chromium-"));
				const { stdout } = await run(
					"chromium",
					[
						...flags,
						`--user-data-dir=${profile}`,
						`--proxy-server=${proxy}`,
						"--proxy-bypass-list=<-loopback>",
						`--ignore-certificate-errors-spki-list=${trust}`,
						"--virtual-time-budget=3000",
						"--dump-dom",
						`${url}/page`,
					],
					{ env, timeout: 60_000 },
				);
				assert.match(stdout, /data \d+/, "the page's script ran");
				out.push(stdout);
			}
			return out.join("");
		},
	},
};

/** Node runs as the child of `-- CMD`, with nothing told to it but the environment. */
async function nodeAsChild(command, tape, urls, ...more) {
	return (await run(flowtape[0], [...flowtape.slice(1), command, tape, "-q", "-p", "0", ...more, "--", process.execPath, "-e", nodeScript, ...urls], { env }))
		.stdout;
}

try {
	const ca = join(folder, "ca.pem");
	writeFileSync(ca, execFileSync(flowtape[0], [...flowtape.slice(1), "ca", "export"], { env }));
	const site = await startSite();
	const recorded = {};
	for (const [name, client] of Object.entries(clients)) {
		if (!(await client.is())) {
			console.log(`skipped: ${name} is not installed`);
			continue;
		}
		await check(`${name} is recorded`, async () => {
			const proxy = await startProxy("record", join(folder, `${name}.tape`), "--set", "ssl_insecure=true");
			try {
				recorded[name] = await client.go(proxy.url, site.urls, ca);
			} finally {
				assert.equal(await proxy.stop(), 0, "exit status");
			}
			assert.match(recorded[name], /\d/);
		});
	}
	await check("node is recorded as the command after --", async () => {
		recorded.node = await nodeAsChild("record", join(folder, "node.tape"), site.urls, "--set", "ssl_insecure=true");
		assert.equal(recorded.node.split("\n").filter(Boolean).length, 4);
	});
	site.stop();
	for (const name of Object.keys(recorded)) {
		await check(`${name} is replayed with the site stopped`, async () => {
			const tape = join(folder, `${name}.tape`);
			if (name === "node") {
				assert.equal(await nodeAsChild("replay-server", tape, site.urls), recorded.node);
				return;
			}
			const proxy = await startProxy("replay-server", tape);
			try {
				assert.equal(await clients[name].go(proxy.url, site.urls, ca), recorded[name]);
			} finally {
				await proxy.stop();
			}
		});
	}
} finally {
	rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
tell();
