// Listening on ports, and detecting connections to them.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import t, { type Test } from "tap";
import { startInTurn } from "../../../../src/proxy/connection/fair-reader.ts";
import { Listener } from "../../../../src/proxy/entry/listener.ts";

async function listen(t: Test, host: string, port = 0): Promise<{ listener: Listener; accepted: Promise<Socket> }> {
	const sockets: Socket[] = [];
	let accept = (_socket: Socket): void => {};
	const accepted = new Promise<Socket>((resolve) => (accept = resolve));
	const listener = new Listener({ text: "regular", kind: "regular", listen: { host, port } }, (socket) => {
		sockets.push(socket);
		accept(socket);
	});
	await listener.listen();
	t.teardown(() => {
		for (const socket of sockets) socket.destroy();
		return listener.close();
	});
	return { listener, accepted };
}

t.test("it accepts connections at the reported address", async (t) => {
	const { listener, accepted } = await listen(t, "127.0.0.1");
	const client = connect(listener.port, listener.host);
	await once(client, "connect");
	t.equal(listener.isReachedBy(client), true);
	// The system decides which of the two ends gets its event first.
	t.equal((await accepted).remotePort, client.localPort);
	client.destroy();
});

t.test("many clients are accepted before the work that waits for its turn is done", async (t) => {
	const count = 100;
	let worked = 0;
	let acceptAll = (_worked: number): void => {};
	const atEnd = new Promise<number>((resolve) => (acceptAll = resolve));
	const sockets: Socket[] = [];
	const listener = new Listener(
		{ text: "regular", kind: "regular", listen: { host: "127.0.0.1", port: 0 } },
		(socket) => {
			if (sockets.push(socket) === count) acceptAll(worked);
		},
	);
	await listener.listen();
	const clients = Array.from({ length: count }, () => connect(listener.port, listener.host).on("error", () => {}));
	for (let i = 0; i < count; i++)
		startInTurn("", "", () => {
			worked++;
			// longer than the time of a turn
			if (sockets.length < count) for (const end = performance.now() + 15; performance.now() < end; );
		});
	t.ok((await atEnd) < count / 2);
	for (const socket of [...clients, ...sockets]) socket.destroy();
	await listener.close();
});

t.test("it knows the sockets and URLs that lead to it", async (t) => {
	const { listener } = await listen(t, "127.0.0.1");
	const { listener: everywhere } = await listen(t, "0.0.0.0");
	for (const [host, port, here, there] of [
		["127.0.0.1", listener.port, true, false],
		["localhost", listener.port, true, false],
		["example.com", listener.port, false, false],
		["127.0.0.1", everywhere.port, false, true],
		["localhost", everywhere.port, false, true],
		["192.0.2.1", everywhere.port, false, false],
	] as const) {
		t.equal(listener.isNamedBy(host, port), here, `${host}:${port}`);
		t.equal(everywhere.isNamedBy(host, port), there, `${host}:${port}`);
	}
	const client = connect(everywhere.port, "127.0.0.1");
	await once(client, "connect");
	t.equal(everywhere.isReachedBy(client), true);
	t.equal(listener.isReachedBy(client), false);
	client.destroy();
});

t.test("the reasons for a failure to listen", async (t) => {
	const { listener } = await listen(t, "127.0.0.1");
	await t.rejects(listen(t, "127.0.0.1", listener.port), {
		code: "FT_PORT",
		message: `cannot listen on 127.0.0.1:${listener.port}: is in use by another process; choose another port with --listen-port (0 picks a free one)`,
	});
	await t.rejects(listen(t, "192.0.2.1"), {
		code: "FT_PORT",
		message: /192\.0\.2\.1:0: is not an address of this machine/,
	});
	await t.rejects(listen(t, "no-such-host.invalid"), {
		code: "FT_PORT",
		message: /cannot listen on no-such-host\.invalid:0/,
	});
});
