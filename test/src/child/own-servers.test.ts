// Distinguishes the servers of a command from others by the listening process.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t, { type Test } from "tap";
import { OwnServers } from "../../../src/child/own-servers.ts";

const isLinux = process.platform === "linux";

/** A Node process with a server; prints its port. */
const SERVER = `
const server = require("node:http").createServer().listen(0, process.argv[1], () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit());`;

async function listen(t: Test, command: string, ...args: string[]): Promise<{ child: ChildProcess; port: number }> {
	const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
	t.teardown(() => child.stdin.end());
	const [line] = (await once(child.stdout, "data")) as [Buffer];
	return { child, port: Number(line) };
}

function ownServersOf(pid: number | undefined): OwnServers {
	const own = new OwnServers();
	if (pid !== undefined) own.follow(pid);
	return own;
}

t.test("a server of the command itself", { skip: !isLinux && "only Linux shows the listening process" }, async (t) => {
	const { child, port } = await listen(t, process.execPath, "-e", SERVER, "127.0.0.1");
	const own = ownServersOf(child.pid);
	for (const host of ["127.0.0.1", "localhost", "tenant.localhost", "0.0.0.0", "::ffff:127.0.0.1"])
		t.equal(own.addressOf(host, port, null), "127.0.0.1", host);
	t.equal(own.addressOf("::1", port, null), null, "nothing listens there");
	t.equal(own.addressOf("127.0.0.2", port, `${own.token} 127.0.0.2`), null, "claims are ignored");
	t.equal(own.addressOf("127.0.0.1", 1, null), null);
});

t.test(
	"a server of a descendant, on every address",
	{ skip: !isLinux && "only Linux shows the listening process" },
	async (t) => {
		const { child, port } = await listen(t, "sh", "-c", `"$0" -e "$1" 0.0.0.0; exit`, process.execPath, SERVER);
		t.equal(ownServersOf(child.pid).addressOf("127.0.0.9", port, null), "127.0.0.9");
		t.equal(ownServersOf(child.pid).addressOf("localhost", port, null), "127.0.0.1");
	},
);

t.test(
	"a server that was started before the command does not belong to it",
	{ skip: !isLinux && "only Linux shows the listening process" },
	async (t) => {
		const server = createServer().listen(0, "127.0.0.1");
		t.teardown(() => server.close());
		await once(server, "listening");
		const { port } = server.address() as AddressInfo;
		const { child } = await listen(t, process.execPath, "-e", SERVER, "127.0.0.1");
		t.equal(ownServersOf(child.pid).addressOf("127.0.0.1", port, null), null);
	},
);

t.test(
	"a port that another process takes over",
	{ skip: !isLinux && "only Linux shows the listening process" },
	async (t) => {
		const { child, port } = await listen(t, process.execPath, "-e", SERVER, "127.0.0.1");
		const own = ownServersOf(child.pid);
		t.equal(own.addressOf("127.0.0.1", port, null), "127.0.0.1");
		child.stdin?.end();
		await once(child, "close");
		const server = createServer().listen(port, "127.0.0.1");
		t.teardown(() => server.close());
		await once(server, "listening");
		t.equal(own.addressOf("127.0.0.1", port, null), null);
	},
);

t.test("without a command there are no own servers", async (t) => {
	t.equal(new OwnServers().addressOf("127.0.0.1", 80, null), null);
});
