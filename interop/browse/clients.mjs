// Clients that browse a site, each in its own way: through a configured proxy, or without one, for example through a
// reverse proxy in the place of the site.
import { execFile, execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findChromium, startChromium } from "../../fixtures/make/chromium.mjs";

const run = promisify(execFile);
const here = import.meta.dirname;
const TIMEOUT_MS = 300_000;
const python = process.env.PYTHON ?? "python3";

async function succeeds(program, ...args) {
	return run(program, args).then(
		() => true,
		() => false,
	);
}

/** Names of the Go compiler, which may not be on the PATH. */
const go = ["go", "/usr/local/go/bin/go"];

/** curl: fetches the first page, then all its references in one run. Returns the hashes of the files. */
async function curl({ proxy, ca, targets, folder, env }) {
	const through = ["-sS", "--cacert", ca, ...(proxy === null ? [] : ["-x", proxy.replace("socks5:", "socks5h:")])];
	const out = [];
	for (const target of targets) {
		const [base, version] = target.split(" ");
		const args = [...through, version === "2" ? "--http2" : "--http1.1"];
		const place = mkdtempSync(join(folder, "curl-"));
		const hash = (name) =>
			createHash("sha256")
				.update(readFileSync(join(place, name)))
				.digest("hex");
		const { stdout: protocol } = await run(
			"curl",
			[...args, base, "-o", join(place, "index"), "-w", "%{http_version}"],
			{ env },
		);
		const names = [...readFileSync(join(place, "index"), "utf8").matchAll(/(?:href|src)="([^"]+)"/g)].map(
			([, name]) => name,
		);
		const requests = names.map((name, i) => `url = "${base}${name}"\noutput = "${join(place, String(i))}"\n`);
		writeFileSync(join(place, "config"), requests.join(""));
		const { stdout: statuses } = await run("curl", [...args, "-K", join(place, "config"), "-w", "%{http_code}\\n"], {
			env,
		});
		await run("curl", [...args, "-d", "a=1", `${base}form`, "-o", join(place, "form")], { env });
		const lines = statuses
			.trim()
			.split("\n")
			.map((status, i) => `${names[i]} ${status} ${hash(String(i))}`);
		out.push(`index ${hash("index")}`, ...lines, `form ${hash("form")}`, `protocol ${protocol}`);
	}
	return out.join("\n");
}

async function chromium({ mode, proxy, ca, targets, folder, env, reports }) {
	const key = new X509Certificate(readFileSync(ca)).publicKey.export({ type: "spki", format: "der" });
	const trust = createHash("sha256").update(key).digest("base64");
	const flags = [
		"--headless",
		"--disable-quic",
		"--disable-background-networking",
		"--disable-component-update",
		"--disable-sync",
	];
	const through =
		proxy === null
			? ["--no-proxy-server"]
			: [`--proxy-server=${proxy}`, `--proxy-bypass-list=<-loopback>;${reports.host}`];
	const out = [];
	for (const [i, target] of targets.entries()) {
		const [base, version] = target.split(" ");
		const token = `${mode}-${i}`;
		const args = [
			...flags,
			...through,
			`--ignore-certificate-errors-spki-list=${trust}`,
			...(version === "2" ? [] : ["--disable-http2"]),
			`${base}tour?${token}`,
		];
		const browser = startChromium(findChromium(), args, { parent: folder, env, stdio: "ignore" });
		try {
			out.push(await reports.next(token, TIMEOUT_MS));
		} finally {
			await browser.end();
		}
	}
	return out.join("\n");
}

const output =
	(program, ...before) =>
	async ({ proxy, ca, targets, env }) =>
		(await run(program, [...before, proxy ?? "-", ca, ...targets], { env, timeout: TIMEOUT_MS })).stdout.trim();

/**
 * Finds the available clients, and builds some of them in `folder` first. Returns them with the reasons why others are
 * missing. Each client has the `versions` of HTTP that it speaks, the `modes` that it supports, `talks` if it opens
 * WebSockets, and `browse`.
 */
export async function findClients(folder) {
	const found = [];
	const missing = [];
	const add = (client, isThere, why) => (isThere ? found.push(client) : missing.push(`${client.name}: ${why}`));
	const all = ["regular", "reverse", "upstream", "socks5"];
	const noSocks = all.slice(0, 3);

	add(
		{ name: "curl", versions: ["1.1", "2"], modes: all, browse: curl },
		await succeeds("curl", "--version"),
		"curl is not installed",
	);

	const nodeScript = join(here, "browse-node.mjs");
	const browseByNode = async ({ ca, targets, env }) =>
		(await run(process.execPath, [nodeScript, ...targets], { env: { ...env, NODE_EXTRA_CA_CERTS: ca } })).stdout.trim();
	add(
		{
			name: "Node",
			versions: ["1.1"],
			modes: noSocks,
			talks: true,
			command: [process.execPath, nodeScript],
			browse: browseByNode,
		},
		true,
	);

	const hasRequests = await succeeds(python, "-c", "import requests");
	const hasSocks = await succeeds(python, "-c", "import requests, socks");
	const pythonName = hasRequests ? "Python's requests" : "Python's urllib";
	const browseByPython = output(python, join(here, "browse.py"));
	add(
		{ name: pythonName, versions: ["1.1"], modes: hasSocks ? all : noSocks, browse: browseByPython },
		await succeeds(python, "--version"),
		"it is not installed",
	);

	const compiler = (await Promise.all(go.map((program) => succeeds(program, "version")))).indexOf(true);
	const program = join(folder, "browse-go");
	// without HOME, Go has no folder for its cache
	const cache = process.env.HOME ? {} : { GOCACHE: join(folder, "go-cache") };
	if (compiler >= 0)
		execFileSync(go[compiler], ["build", "-o", program, join(here, "browse.go")], {
			stdio: "inherit",
			env: { ...process.env, ...cache },
		});
	add(
		{ name: "Go", versions: ["1.1", "2"], modes: all, browse: output(program) },
		compiler >= 0,
		"go is not installed",
	);

	const hasJava = await succeeds("javac", "-version");
	const classes = join(folder, "classes");
	if (hasJava) {
		mkdirSync(classes);
		execFileSync("javac", ["-d", classes, join(here, "Browse.java")]);
	}
	const browseByJava = hasJava ? output("java", "-cp", classes, "Browse") : output("java", join(here, "Browse.java"));
	add(
		{ name: "Java", versions: ["1.1", "2"], modes: noSocks, talks: true, browse: browseByJava },
		await succeeds("java", "-version"),
		"java is not installed",
	);

	add(
		{ name: "Chromium", versions: ["1.1", "2"], modes: all, talks: true, browse: chromium },
		findChromium() !== null,
		"chromium is not installed",
	);
	for (const { name, modes } of found)
		if (!modes.includes("socks5")) missing.push(`${name} through socks5: it does not speak SOCKS`);
	return { found, missing };
}
