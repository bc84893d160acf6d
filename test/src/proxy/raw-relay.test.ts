// Two streams joined.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import t, { type Test } from "tap";
import { Peer } from "../../../fixtures/peer.ts";
import { relayStreams } from "../../../src/proxy/raw-relay.ts";

interface Joined {
	client: Peer;
	server: Peer;
	inner: { client: Socket; server: Socket };
	seen: string[];
	/** With what it was done. */
	done: Promise<Error | null>;
}

/** Two peers that speak through the relay. */
async function joined(t: Test): Promise<Joined> {
	const listener = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
	await once(listener, "listening");
	const connect = async () => {
		const accepted = once(listener, "connection") as Promise<[Socket]>;
		const peer = await Peer.to((listener.address() as AddressInfo).port);
		return { peer, socket: (await accepted)[0] };
	};
	const [client, server] = [await connect(), await connect()];
	const seen: string[] = [];
	const done = new Promise<Error | null>((resolve) => {
		relayStreams(client.socket, server.socket, {
			onBytes: (bytes, fromClient) => seen.push(`${fromClient ? ">" : "<"}${bytes.latin1Slice()}`),
			onDone: resolve,
		});
	});
	t.teardown(() => {
		listener.close();
		for (const socket of [client.peer.socket, client.socket, server.peer.socket, server.socket]) socket.destroy();
	});
	return { client: client.peer, server: server.peer, inner: { client: client.socket, server: server.socket }, seen, done };
}

t.test("bytes go both ways, and each side can be closed apart", async (t) => {
	const { client, server, seen, done } = await joined(t);
	client.send("\0up\xff");
	t.equal(await server.upTo("\xff"), "\0up\xff");
	client.end();
	t.equal(await server.ended(), "end");
	server.send("down ").send("still");
	t.equal(await client.upTo("still"), "down still");
	server.end();
	t.equal(await client.ended(), "end");
	t.equal(await done, null);
	t.equal(seen.join("").replaceAll("<", ""), ">\0up\xffdown still");
});

t.test("a side that breaks off takes the other with it", async (t) => {
	for (const side of ["client", "server"] as const) {
		const peers = await joined(t);
		const other = peers[side === "client" ? "server" : "client"];
		await other.send("x");
		await peers[side].upTo("x");
		peers[side].reset();
		t.ok(await other.ended());
		t.match(await peers.done, { code: "ECONNRESET" }, side);
	}
});

t.test("a side that is closed already", async (t) => {
	const { inner, done } = await joined(t);
	inner.client.destroy();
	inner.server.destroy();
	await done;
	const again = new Promise<Error | null>((resolve) => relayStreams(inner.client, inner.server, { onDone: resolve }));
	t.equal(await again, null);
});

t.test("a slow side holds the other back", async (t) => {
	const { client, server } = await joined(t);
	const size = 40_000_000;
	server.socket.pause();
	client.send(Buffer.alloc(size, "x"));
	t.ok((await client.stalled()) > size / 2);
	server.socket.resume();
	t.equal((await server.take(size)).length, size);
});
