// The common part of proxy commands: the command after --, its environment, and the end of a run.
import { existsSync, readFileSync } from "node:fs";
import { connect as connectTo, createServer } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import t from "tap";
import { type Command, defineCommand } from "../../../commands/cli/command.ts";
import {
	clientGroups,
	liveCommandOptions,
	recordGroups,
	runLive,
	serverGroups,
} from "../../../commands/proxy/run-proxy.ts";
import { getThrough, startSite } from "../../../fixtures/plain-site.ts";
import { runCaptured, startCaptured } from "../../../fixtures/run-captured.ts";
import { readTape } from "../../../fixtures/tape-files.ts";

/** A minimal proxy command: records to its argument, if there is one. */
const command: Command = defineCommand({
	name: "live",
	summary: "s",
	args: "[TAPE]",
	arity: { min: 0 },
	takesChild: true,
	examples: [],
	options: liveCommandOptions,
	groups: () => recordGroups(),
	run: ({ args: [output = null], ...input }, io) => runLive({ output, recordings: [], network: true }, input, io),
});

const env = { ...process.env, FLOWTAPE_HOME: join(t.testdir(), "home") };

/**
 * A program that asks the proxy in its environment for a URL, writes what it got to a file, and exits with a status.
 */
const client = (url: string, file: string, status: number) => [
	process.execPath,
	"-e",
	`const proxy = new URL(process.env.http_proxy);
	require("node:http").get({ agent: false, host: proxy.hostname, port: proxy.port, path: ${JSON.stringify(url)}, headers: { Host: "x" } }, (response) => {
		response.setEncoding("utf8").on("data", (body) => require("node:fs").writeFileSync(${JSON.stringify(file)}, body + " " + process.env.FLOWTAPE_CA_FILE));
		response.on("end", () => process.exit(${status}));
	});`,
];

t.test("the command gets the proxy and the authority, and its status is returned", async (t) => {
	const site = await startSite(t);
	const folder = t.testdir();
	const [tape, file] = [join(folder, "x.tape"), join(folder, "got")];
	const { status, out, err } = await runCaptured(
		command,
		[tape, "-p", "0", "--", ...client(`${site.url}/one`, file, 7)],
		{ env },
	);
	t.same({ status, out }, { status: 7, out: "" });
	t.match(err, /^recorded 1 flow to .*x.tape\n$/);
	const [body, path, ca = ""] = readFileSync(file, "utf8").split(" ");
	t.equal(`${body} ${path}`, "GET /one");
	t.match(readFileSync(ca, "utf8"), /^-----BEGIN CERTIFICATE-----/);
	t.match((await readTape(tape)).flows, [{ request: { path: "/one" } }]);
});

t.test("a command that cannot be started is status 4", async (t) => {
	const { status, err } = await runCaptured(command, ["-p", "0", "--", "no-such-command-here"], { env });
	t.equal(status, 4);
	t.match(err, /^flowtape: cannot start "no-such-command-here": /);
});

t.test("a command is not started after a signal", async (t) => {
	const folder = t.testdir();
	const argv = [
		"-p",
		"0",
		"--",
		process.execPath,
		"-e",
		`require("node:fs").writeFileSync(${JSON.stringify(join(folder, "ran"))}, "")`,
	];
	const { status } = await runCaptured(command, argv, { env, signal: AbortSignal.abort(130) });
	t.equal(status, 0);
	t.throws(() => readFileSync(join(folder, "ran")), { code: "ENOENT" });
});

t.test("without a tape, traffic passes and no tape is mentioned", async (t) => {
	const site = await startSite(t);
	const { port, stop } = await startCaptured(command, ["--verbose"], { env });
	t.match(await getThrough(port, `${site.url}/one`), { body: "GET /one" });
	const { status, err } = await stop();
	t.equal(status, 0);
	t.match(
		err,
		/^listening on [^\n]*\n\d\d:\d\d:\d\d\.\d{3} GET http:\/\/127.0.0.1:\d+\/one 200 text\/plain 8b \d+ms\n$/,
	);
});

t.test(
	"a client that refuses the certificate is reported, but not for hosts that browsers connect to by themselves",
	async (t) => {
		const { port, captured, stop } = await startCaptured(command, ["-p", "0"], { env });
		/** Resolves when the client has rejected the certificate for the host. */
		const refuse = (host: string) =>
			new Promise<void>((resolve, reject) => {
				const socket = connectTo(port, "127.0.0.1", () => socket.write(`CONNECT ${host}:443 HTTP/1.1\r\n\r\n`));
				socket.once("error", reject).once("data", () => {
					const secured = tls.connect({ socket, servername: host, ca: [] });
					secured.once("error", () => {}).once("close", () => resolve());
				});
			});
		await refuse("update.googleapis.com");
		await refuse("shop.example");
		while (!captured.err.includes("shop.example")) await new Promise(setImmediate);
		const { err } = await stop();
		t.match(err, /for shop\.example .*"flowtape ca trust"/);
		t.notMatch(err, "googleapis");
	},
);

t.test("--json prints an event per line", async (t) => {
	const site = await startSite(t);
	const { port, stop } = await startCaptured(command, ["--json"], { env });
	await getThrough(port, `${site.url}/one`);
	const { out, err } = await stop();
	t.equal(err, "");
	t.match(
		out
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line)),
		[
			{ event: "listening", host: "127.0.0.1", port },
			{ event: "flow", method: "GET", url: `${site.url}/one`, status: 200 },
			{ event: "end", recorded: 0, lost: 0 },
		],
	);
});

t.test("a port in use is status 4, with advice", async (t) => {
	const server = createServer().listen(0, "127.0.0.1");
	await new Promise((resolve) => server.once("listening", resolve));
	t.teardown(() => server.close());
	const address = server.address();
	const port = typeof address === "object" ? String(address?.port) : "";
	const { status, err } = await runCaptured(command, ["-p", port], { env });
	t.equal(status, 4);
	t.match(
		err,
		new RegExp(`^flowtape: cannot listen on 127.0.0.1:${port}: is in use by another process; .*--listen-port`),
	);
});

t.test("~ in the tape's path is the home folder", async (t) => {
	const name = `no-such-folder-${process.pid}/x.jsonl`;
	const { status, err } = await runCaptured(command, [`~/${name}`, "-p", "0"], { env });
	t.equal(status, 4);
	t.ok(err.includes(join(homedir(), name)), err);
});

t.test("options of proxies that answer from tapes, and of those that record", async (t) => {
	const [, replaying] = await serverGroups();
	t.match(replaying, {
		title: "Features",
		prefix: "server_replay_",
		table: { anticache: { default: false }, server_replay_extra: { default: "404" } },
	});
	const [proxy, recording] = await recordGroups();
	t.match(proxy?.table, { listen_port: { default: null } });
	t.match(recording, { table: { server_replay_extra: { default: "forward" } } });
	const [sending] = await clientGroups();
	t.notOk("listen_port" in sending.table, "nothing listens there");
	t.ok(sending.table.ssl_insecure);
});

t.test("an ephemeral authority is reported, trusted by the command, and removed at the end", async (t) => {
	const folder = t.testdir();
	const { err } = await (await startCaptured(command, ["--ca", "ephemeral"], { env })).stop();
	const ca = /the certificate to trust is in (.*)\n/.exec(err)?.[1] ?? "";
	t.match(ca, /flowtape-ca-cert\.pem$/);
	t.equal(existsSync(ca), false);
	const copy = (name: string) =>
		`require("node:fs").cpSync(process.env.FLOWTAPE_CA_FILE, ${JSON.stringify(join(folder, name))})`;
	await runCaptured(command, ["-p", "0", "--ca", "ephemeral", "--", process.execPath, "-e", copy("once")], { env });
	t.match(readFileSync(join(folder, "once"), "utf8"), "BEGIN CERTIFICATE");
	await runCaptured(command, ["-p", "0", "--ca", join(folder, "ca"), "--", process.execPath, "-e", copy("own")], {
		env,
	});
	t.equal(
		readFileSync(join(folder, "own"), "utf8"),
		readFileSync(join(folder, "ca/flowtape-ca-cert.pem"), "utf8"),
		"or one of another folder",
	);
});
