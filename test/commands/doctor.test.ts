// `flowtape doctor` on this machine, and on commands.
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/doctor.ts";
import { startOrigin } from "../../fixtures/origin-server.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";

const env = { ...process.env, FLOWTAPE_HOME: join(t.testdir(), "home"), NO_COLOR: "1" };

/** A program that asks for a URL through the proxy of its environment, trusting it or not. */
const client = (url: string, options: string) => [
	process.execPath,
	"-e",
	`require("node:https").get(${JSON.stringify(url)}, { headers: { "user-agent": "tester/1" }, ${options} }, (response) => response.resume()).on("error", () => {})`,
];

t.test("runtimes that are installed: Node at least", async (t) => {
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
	t.match(JSON.parse(distrustful.out), { agents: { "tester/1": 1 } }, "the preload trusts us even then");
	const idle = await runCaptured(command, ["--", process.execPath, "-e", "0"], { env });
	t.match(idle, { status: 1, out: /no request reached the proxy/ });
	t.equal((await runCaptured(command, ["--", process.execPath, "-e", "process.exit(7)"], { env })).status, 7);
});

t.test("a client that does not take the certificate, and one that says nothing", async (t) => {
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
		// It says hello, and once it has seen the certificate that it does not know the authority: an alert, in a version that does not encrypt it.
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
