// Sockets that read into one shared buffer: every byte arrives once, in order, and later reads do not change it.
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import t, { type Test } from "tap";
import { sharedReads } from "../../../../src/proxy/upstream/read-buffer.ts";

t.test("small reads of several sockets stay as they were", async (t) => {
	const [first, second] = [await connected(t, "first"), await connected(t, "second")];
	const chunks: Buffer[] = [];
	for (const socket of [first, second, first]) {
		socket.write("again");
		chunks.push(...(await once(socket, "data")));
	}
	t.same(chunks.map(String), ["first", "second", "first"]);
});

t.test("a large body between small ones arrives unchanged", async (t) => {
	const large = Buffer.from(Array.from({ length: 1_000_003 }, (_, i) => i % 251));
	const [socket, other] = [await connected(t, large), await connected(t, "other")];
	const chunks: Buffer[] = [];
	const others: Buffer[] = [];
	other.on("data", (chunk: Buffer) => others.push(chunk));
	const complete = new Promise<void>((resolve) => {
		let size = 0;
		socket.on("data", (chunk: Buffer) => {
			chunks.push(chunk);
			size += chunk.length;
			other.write("again");
			if (size === large.length) resolve();
		});
	});
	socket.write("again");
	await complete;
	other.end();
	await once(other, "end");
	t.match(Buffer.concat(others).toString(), /^(?:other)+$/);
	t.ok(Buffer.concat(chunks).equals(large));
});

t.test("a paused socket delivers the rest later", async (t) => {
	const large = Buffer.alloc(300_000, "paused");
	const socket = await connected(t, large);
	socket.write("again");
	await once(socket, "data");
	socket.pause();
	await new Promise((resolve) => setImmediate(resolve));
	const early = socket.read() as Buffer | null;
	if (early !== null) socket.unshift(early);
	let size = 0;
	socket.on("data", (chunk: Buffer) => (size += chunk.length));
	socket.resume();
	socket.end();
	await once(socket, "end");
	t.ok(size > 0 && size < large.length, "all but the first chunk");
});

/** A connection to a server that answers every chunk with these bytes. */
async function connected(t: Test, answer: string | Buffer): Promise<Socket> {
	const server: Server = createServer({ allowHalfOpen: true }, (peer) =>
		peer.on("data", () => peer.write(answer)).on("end", () => peer.end()),
	);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const socket: Socket = connect({
		port: (server.address() as { port: number }).port,
		host: "127.0.0.1",
		...sharedReads((bytes) => socket.push(bytes)),
	});
	t.teardown(() => {
		socket.destroy();
		server.close();
	});
	await once(socket, "connect");
	return socket;
}
