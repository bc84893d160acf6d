// The entrance hands over HTTP and TLS, and relays or refuses other protocols.
import { once } from "node:events";
import net from "node:net";
import t, { type Test } from "tap";
import { type Entrance, type EntranceOptions, openEntrance, type RoutedSocket } from "../../../src/route/entrance.ts";
import type { Target } from "../../../src/route/target.ts";

interface Opened {
	readonly entrance: Entrance;
	readonly taken: RoutedSocket[];
	readonly passed: Target[];
	readonly refused: string[];
}

async function open(t: Test, options: Partial<EntranceOptions> = {}): Promise<Opened> {
	const taken: RoutedSocket[] = [];
	const passed: Target[] = [];
	const refused: string[] = [];
	const entrance = await openEntrance({
		take: (routed) => taken.push(routed),
		passesForeign: () => false,
		onPassed: (target) => passed.push(target),
		onRefused: (_target, message) => refused.push(message),
		...options,
	});
	t.teardown(async () => {
		for (const { socket } of taken) socket.destroy();
		await entrance.close();
	});
	return { entrance, taken, passed, refused };
}

/** A client whose route has told its target. */
async function client({ entrance }: Opened, target: Target, isTold = true): Promise<net.Socket> {
	const socket = net.connect(entrance.port, entrance.host);
	await once(socket, "connect");
	socket.on("error", () => {});
	if (isTold) tell(entrance, socket, target);
	return socket;
}

function tell(entrance: Entrance, { localPort = 0 }: net.Socket, target: Target): void {
	entrance.tell({ kind: "connected", localPort, target, scope: "s" });
}

const closed = (socket: net.Socket): Promise<void> => new Promise((resolve) => socket.once("close", () => resolve()));

async function until(isSo: () => boolean): Promise<void> {
	while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A server that sends a greeting, and then echoes. */
async function greeter(t: Test, greeting: string): Promise<Target> {
	const server = net.createServer((socket) => {
		socket.on("error", () => {});
		if (greeting !== "") socket.write(greeting);
		socket.pipe(socket);
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	t.teardown(() => void server.close());
	return { host: "127.0.0.1", port: (server.address() as net.AddressInfo).port };
}

const target = { host: "api.example.com", port: 80 };

t.test("HTTP and TLS are handed over with their bytes", async (t) => {
	const opened = await open(t);
	for (const bytes of ["GET / HTTP/1.1\r\n", "\x16\x03\x01"]) {
		const socket = await client(opened, target);
		for (const byte of bytes) socket.write(Buffer.from(byte, "latin1"));
		await until(() => opened.taken.length > 0);
		const [routed] = opened.taken.splice(0);
		t.match(routed, { target, scope: "s" });
		const { socket: taken } = routed as RoutedSocket;
		t.equal(taken.listenerCount("data"), 0);
		taken.end("bye");
		t.equal((await socket.setEncoding("latin1").toArray()).join(""), "bye");
		socket.destroy();
		t.equal((await taken.setEncoding("latin1").toArray()).join(""), bytes);
	}
});

t.test("messages and sockets in any order", async (t) => {
	const opened = await open(t);
	const late = await client(opened, target, false);
	late.write("GET / HTTP/1.1\r\n");
	const other = await client(opened, { host: "other.example.com", port: 81 });
	other.write("GET / HTTP/1.1\r\n");
	await until(() => opened.taken.length === 1);
	t.match(opened.taken[0], { target: { host: "other.example.com" } });
	tell(opened.entrance, late, target);
	await until(() => opened.taken.length === 2);
	t.match(opened.taken[1], { target });
	// told before it connects: by a port that is bound first
	const probe = net.createServer().listen(0, "127.0.0.1");
	await once(probe, "listening");
	const localPort = (probe.address() as net.AddressInfo).port;
	await new Promise((resolve) => probe.close(resolve));
	opened.entrance.tell({ kind: "connected", localPort, target: { host: "gone.example.com", port: 1 }, scope: null });
	opened.entrance.tell({ kind: "closed", localPort });
	opened.entrance.tell({ kind: "connected", localPort, target, scope: null });
	const early = net.connect({
		host: opened.entrance.host,
		port: opened.entrance.port,
		localPort,
		localAddress: "127.0.0.1",
	});
	early.write("GET / HTTP/1.1\r\n");
	await until(() => opened.taken.length === 3);
	t.match(opened.taken[2], { target, scope: null });
	for (const socket of [late, other, early]) socket.destroy();
});

t.test("a server that speaks first passes on this machine", async (t) => {
	const opened = await open(t);
	const near = await greeter(t, "220 hello\r\n");
	const socket = await client(opened, near);
	opened.entrance.tell({ kind: "silent", localPort: socket.localPort ?? 0 });
	const data = once(socket, "data");
	t.equal(String((await data)[0]), "220 hello\r\n");
	socket.write("EHLO a\r\n");
	t.equal(String((await once(socket, "data"))[0]), "EHLO a\r\n");
	t.same(opened.passed, [near]);
	socket.end();
	await closed(socket);
	t.same(opened.taken, []);
});

t.test("a client of another protocol passes on this machine, by a name too", async (t) => {
	const opened = await open(t);
	const { port } = await greeter(t, "");
	const socket = await client(opened, { host: "localhost", port });
	socket.write("PING\r\n");
	t.equal(String((await once(socket, "data"))[0]), "PING\r\n");
	t.same(opened.passed, [{ host: "localhost", port }]);
	socket.destroy();
});

t.test("a silent client may yet send a request, also if nothing listens", async (t) => {
	const opened = await open(t);
	const silent = await greeter(t, "");
	const probe = await greeter(t, "");
	for (const near of [silent, { ...probe, port: 1 }]) {
		const socket = await client(opened, near);
		opened.entrance.tell({ kind: "silent", localPort: socket.localPort ?? 0 });
		await new Promise((resolve) => setTimeout(resolve, 50));
		socket.write("GET / HTTP/1.1\r\n");
		await until(() => opened.taken.length > 0);
		t.same(opened.passed, []);
		opened.taken.splice(0)[0]?.socket.destroy();
	}
	const socket = await client(opened, { host: "127.0.0.1", port: 1 });
	opened.entrance.tell({ kind: "silent", localPort: socket.localPort ?? 0 });
	await closed(socket);
	t.pass("one that says nothing at all is closed");
});

t.test("another protocol to a foreign host is refused", async (t) => {
	const opened = await open(t);
	const database = { host: "192.0.2.1", port: 5432 };
	const message =
		'a connection to 192.0.2.1:5432 speaks neither HTTP nor TLS, so no tape can answer it; to let it pass to the network, add the option passthrough: ["192.0.2.1:5432"]';
	const speaking = await client(opened, database);
	speaking.write(Buffer.from([0, 0, 0, 8]));
	await closed(speaking);
	const silent = await client(opened, database);
	opened.entrance.tell({ kind: "silent", localPort: silent.localPort ?? 0 });
	await closed(silent);
	t.same(opened.refused, [message, message]);
	t.same(opened.passed, []);
	const lenient = await open(t, { passesForeign: ({ port }) => port === 5432 });
	const passing = await client(lenient, database);
	passing.write(Buffer.from([0, 0, 0, 8]));
	passing.destroy();
	t.same(lenient.refused, []);
});

t.test("clients that leave early, and a close with everything open", async (t) => {
	const opened = await open(t);
	(await client(opened, target)).destroy();
	(await client(opened, target, false)).destroy();
	const near = await greeter(t, "hi");
	const waiting = await client(opened, target);
	const relayed = await client(opened, near);
	opened.entrance.tell({ kind: "silent", localPort: relayed.localPort ?? 0 });
	await once(relayed, "data");
	const ended = Promise.all([waiting, relayed].map(closed));
	await opened.entrance.close();
	await ended;
	opened.entrance.tell({ kind: "silent", localPort: 1 });
	t.same(opened.refused, []);
});
