// A replay makes no connections, DNS lookups or TLS handshakes, for any request.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import t from "tap";
import { httpFlow } from "../fixtures/build-flow.ts";
import { Peer } from "../fixtures/peer.ts";
import { writeTape } from "../fixtures/tape-files.ts";

const main = fileURLToPath(new URL("../commands/main.js", import.meta.url));
const flows = [
	httpFlow({ request: { host: "plain.invalid" }, response: { body: "plain" } }),
	httpFlow({ request: { scheme: "https", host: "secure.invalid" }, response: { body: "secure" } }),
];

/** Loaded by the process under test before anything else: notes every attempt to connect or to look a name up. */
const watcher = `
	const { appendFileSync } = require("node:fs");
	const { isIP } = require("node:net");
	const watch = (owner, name, what) => {
		const original = owner[name];
		owner[name] = function (...args) {
			// the address to listen on is looked up too
			if (what !== "dns" || !isIP(args[0])) appendFileSync(process.env.ATTEMPTS, what + ";");
			return original.apply(this, args);
		};
	};
	const dns = require("node:dns");
	watch(require("node:net").Socket.prototype, "connect", "connect");
	watch(require("node:tls"), "connect", "tls");
	watch(require("node:dgram"), "createSocket", "datagram");
	for (const name of ["lookup", "resolve", "resolve4", "resolve6"]) for (const owner of [dns, dns.promises]) watch(owner, name, "dns");`;

interface Started {
	child: ChildProcess;
	port: number;
	stop(): Promise<{ status: number | null; last: string }>;
}

async function start(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<Started> {
	const child = spawn(process.execPath, [main, "replay-server", ...argv, "-p", "0"], {
		env: { PATH: process.env.PATH, ...env },
		stdio: ["ignore", "ignore", "pipe"],
	});
	const lines: string[] = [];
	const reader = createInterface(child.stderr as NonNullable<ChildProcess["stderr"]>);
	const port = await new Promise<number>((resolve, reject) => {
		child.once("close", () => reject(new Error(`it ended: ${lines.join("\n")}`)));
		reader.on("line", (line) => {
			lines.push(line);
			const found = /^listening on http:\/\/127\.0\.0\.1:(\d+)$/.exec(line)?.[1];
			if (found !== undefined) resolve(Number(found));
		});
	});
	return {
		child,
		port,
		async stop() {
			child.kill("SIGINT");
			const [status] = (await once(child, "close")) as [number | null];
			return { status, last: lines.at(-1) ?? "" };
		},
	};
}

/** A response to a request in absolute form, and one inside of TLS inside of a tunnel. */
async function askBoth(port: number, plain: string, secure: string): Promise<string[]> {
	const first = await Peer.to(port);
	const one = await first
		.send(`GET http://${plain}/ HTTP/1.1\r\nHost: ${plain}\r\nConnection: close\r\n\r\n`)
		.message();
	const tunnel = await Peer.to(port);
	await tunnel.send(`CONNECT ${secure}:443 HTTP/1.1\r\nHost: ${secure}:443\r\n\r\n`).head();
	const inner = await tunnel.secure({ servername: secure, rejectUnauthorized: false });
	const two = await inner.send(`GET / HTTP/1.1\r\nHost: ${secure}\r\nConnection: close\r\n\r\n`).message();
	first.close();
	tunnel.close();
	return [one, two].map(({ head, body }) => `${head.slice(9, 12)} ${body.toString().split("\n")[0]}`);
}

t.test("hits and misses, plain and in TLS, open no connection and look no name up", async (t) => {
	const folder = t.testdir();
	const [tape, attempts, preload] = [join(folder, "a.tape"), join(folder, "attempts"), join(folder, "watcher.cjs")];
	await writeTape(tape, flows);
	writeFileSync(preload, watcher);
	const env = { FLOWTAPE_HOME: join(folder, "home"), ATTEMPTS: attempts, NODE_OPTIONS: `--require ${preload}` };
	const { port, stop } = await start([tape, "--set", "connection_strategy=eager"], env);
	t.same(await askBoth(port, "plain.invalid", "secure.invalid"), ["200 plain", "200 secure"]);
	t.match(await askBoth(port, "plain.invalid", "secure.invalid"), [
		/^404 No recording answers/,
		/^404 No recording answers/,
	]);
	t.match(await askBoth(port, "127.0.0.1", "127.0.0.1"), [/^404 /, /^404 /]);
	t.same(await stop(), { status: 0, last: "served 2, missed 4, unused 0, egress 0" });
	t.notOk(existsSync(attempts), "nothing was attempted");
});

t.test("the watcher would have seen it, and the ledger counts it", async (t) => {
	const folder = t.testdir();
	const [tape, attempts, preload] = [join(folder, "a.tape"), join(folder, "attempts"), join(folder, "watcher.cjs")];
	await writeTape(tape, flows);
	writeFileSync(preload, watcher);
	const env = { FLOWTAPE_HOME: join(folder, "home"), ATTEMPTS: attempts, NODE_OPTIONS: `--require ${preload}` };
	const { port, stop } = await start([tape, "--extra", "forward", "--fail-on", "egress"], env);
	const peer = await Peer.to(port);
	t.match(
		await peer.send("GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n\r\n").head(),
		/^HTTP\/1\.1 502/,
	);
	peer.close();
	t.same(await stop(), { status: 1, last: "served 0, missed 1, unused 2, egress 1" });
	t.match(readFileSync(attempts, "utf8"), /^connect;/);
});

/** Whether this system lets us have a network of our own, with nothing in it but ourselves. */
const namespace = (() => {
	for (const flags of [["-n"], ["-rn"]]) {
		try {
			execFileSync("unshare", [...flags, "sh", "-c", "ip link set lo up"], { stdio: "ignore" });
			return flags;
		} catch {
			// the other way, or none
		}
	}
	return null;
})();

t.test(
	"a program and its replay in an empty network",
	{ skip: namespace === null && "unshare is not allowed here" },
	async (t) => {
		const folder = t.testdir();
		const tape = join(folder, "a.tape");
		await writeTape(tape, flows);
		const client = `
		const get = (url) => new Promise((done, fail) => require(url.split(":")[0]).get(url, (response) => response.on("data", (data) => process.stdout.write(String(data) + "\\n")).on("end", done)).on("error", fail));
		get("http://plain.invalid/").then(() => get("https://secure.invalid/"));`;
		const script = `ip link set lo up; exec "$@"`;
		const command = [
			process.execPath,
			main,
			"replay-server",
			tape,
			"-p",
			"0",
			"--fail-on",
			"miss,unused,egress",
			"--",
			process.execPath,
			"-e",
			client,
		];
		const env = { PATH: process.env.PATH, FLOWTAPE_HOME: join(folder, "home") };
		const child = spawn("unshare", [...(namespace ?? []), "sh", "-c", script, "sh", ...command], {
			env,
			stdio: ["ignore", "pipe", "pipe"],
		});
		const parts = { out: "", err: "" };
		child.stdout.on("data", (data) => (parts.out += data));
		child.stderr.on("data", (data) => (parts.err += data));
		const [status] = (await once(child, "close")) as [number];
		t.equal(status, 0, parts.err);
		t.equal(parts.out, "plain\nsecure\n");
		t.match(parts.err, /^served 2, missed 0, unused 0, egress 0\n$/);
	},
);
