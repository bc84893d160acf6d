// `flowtape doctor` on this machine, and on commands.
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/doctor.ts";
import { startOrigin } from "../../fixtures/origin-server.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { readAuthority } from "../../src/ca/files.ts";

const env = { ...process.env, FLOWTAPE_HOME: join(t.testdir(), "home"), NO_COLOR: "1" };

/** A program that requests a URL through the proxy of its environment, with these TLS options. */
const client = (url: string, options: string) => [
	process.execPath,
	"-e",
	`require("node:https").get(${JSON.stringify(url)}, { headers: { "user-agent": "tester/1" }, ${options} }, (response) => response.resume()).on("error", () => {})`,
];

t.test("installed runtimes, of which Node is one", async (t) => {
	const node = join(process.execPath, "..");
	const { out, status } = await runCaptured(command, ["--json", "--ca", "ephemeral"], { env: { ...env, PATH: node } });
	const findings = out
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line));
	t.ok(findings.some(({ runtime, proxy, trust }) => runtime === "Node.js https" && proxy && trust));
	t.equal(status, findings.every(({ trust }) => trust) ? 0 : 1);
	const { out: text } = await runCaptured(command, [], { env: { ...env, PATH: node } });
	t.match(text, /^Node\.js https +uses the proxy and trusts the authority$/m);
	t.match(await runCaptured(command, [], { env: { ...env, PATH: "/nowhere" } }), {
		status: 1,
		err: /found no installed runtime/,
	});
});

t.test("a command", async (t) => {
	const good = await runCaptured(command, ["--", ...client("https://flowtape.invalid/", "")], { env });
	t.match(good, { status: 0, out: /^1 request of tester\/1\nhosts: flowtape\.invalid\n$/ });
	const distrustful = await runCaptured(command, ["--json", "--", ...client("https://flowtape.invalid/", "ca: []")], {
		env: { ...env, NODE_OPTIONS: "" },
	});
	t.match(JSON.parse(distrustful.out), { agents: { "tester/1": 1 } }, "the preload module still trusts the authority");
	const idle = await runCaptured(command, ["--", process.execPath, "-e", "0"], { env });
	t.match(idle, { status: 1, out: /no request reached the proxy/ });
	t.equal((await runCaptured(command, ["--", process.execPath, "-e", "process.exit(7)"], { env })).status, 7);
});

t.test("a client that rejects the certificate, and one that sends nothing", async (t) => {
	const origin = await startOrigin(t, () => {});
	const script = `
		const { connect } = require("node:net");
		const tls = require("node:tls");
		const { hostname, port } = new URL(process.env.FLOWTAPE_PROXY);
		const tunnel = (host, then) => {
			const socket = connect(port, hostname, () => socket.write("CONNECT " + host + " HTTP/1.1\\r\\n\\r\\n"));
			socket.once("data", () => then(socket));
		};
		tunnel("${origin.authority}", (socket) => socket.destroy());
		// It sends a ClientHello, and after the certificate an alert for an unknown authority, in a version that does not encrypt alerts.
		tunnel("untrusted.invalid:443", (socket) => {
			const write = (bytes, _encoding, done) => (socket.write(bytes), done());
			const hello = new (require("node:stream").Duplex)({ read() {}, write });
			socket.once("data", () => socket.end(Buffer.from("15030300020230", "hex")));
			tls.connect({ socket: hello, servername: "untrusted.invalid", maxVersion: "TLSv1.2" }).on("error", () => {});
		});`;
	const { status, out } = await runCaptured(command, ["--", process.execPath, "-e", script], { env });
	t.equal(status, 1);
	t.match(out, "a client opened a tunnel to 127.0.0.1 and sent no request");
	t.match(out, "a client rejected the certificate for untrusted.invalid: it does not trust the authority");
});

t.test("a clock that is behind the validity of the authority", async (t) => {
	const home = join(t.testdir(), "home");
	await readAuthority(home, { validFrom: new Date(Date.now() + 3_600_000) });
	const { err } = await runCaptured(command, ["--", process.execPath, "-e", "0"], {
		env: { ...env, FLOWTAPE_HOME: home },
	});
	t.match(err, /^flowtape: .*: the certificate is not valid before .*, but the clock shows /);
});
