// Relays between two sockets.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import t, { type Test } from "tap";
import { Peer } from "../../../../fixtures/peer.ts";
import { type RelayHandlers, relaySockets, type SocketPipe } from "../../../../src/proxy/tcp/relay.ts";

/** Two peers whose connections are joined, and the result of the relay. */
async function join(
	t: Test,
	relay: Partial<RelayHandlers> = {},
): Promise<{ client: Peer; server: Peer; done: Promise<Error | null> }> {
	const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
	await once(listener, "listening");
	const { port } = listener.address() as AddressInfo;
	const peers: Peer[] = [];
	const sockets: Socket[] = [];
	for (let i = 0; i < 2; i++) {
		const accepted = once(listener, "connection");
		peers.push(await Peer.to(port));
		sockets.push((await accepted)[0]);
	}
	listener.close();
	t.teardown(() => {
		for (const one of [...sockets, ...peers.map(({ socket }) => socket)]) one.destroy();
	});
	const done = new Promise<Error | null>((resolve) =>
		relaySockets(sockets[0] as Socket, sockets[1] as Socket, { ...relay, onDone: resolve }),
	);
	return { client: peers[0] as Peer, server: peers[1] as Peer, done };
}

t.test("bytes pass in both directions, and each direction ends separately", async (t) => {
	const seen: string[] = [];
	const { client, server, done } = await join(t, {
		onBytes: (bytes, fromClient) => void seen.push(`${fromClient ? ">" : "<"}${bytes}`),
	});
	client.send("ask");
	t.equal((await server.take(3)).toString(), "ask");
	client.end();
	t.equal(await server.ended(), "end");
	server.send("answer");
	t.equal((await client.take(6)).toString(), "answer");
	server.end();
	t.equal(await client.ended(), "end");
	t.equal(await done, null);
	t.strictSame(seen, [">ask", "<answer"]);
});

t.test("data sent before the end arrives at a slow reader", async (t) => {
	const { client, server, done } = await join(t);
	client.socket.pause();
	server.send(Buffer.alloc(20_000_000, "x"));
	t.ok((await server.stalled()) > 5_000_000, "the sender is held back");
	server.end();
	client.end();
	client.socket.resume();
	t.equal((await client.rest()).length, 20_000_000);
	t.equal(await done, null);
});

t.test("a reset of one side becomes a reset of the other, after all bytes", async (t) => {
	for (const side of ["client", "server"] as const) {
		const peers = await join(t);
		const [from, to] = side === "client" ? [peers.client, peers.server] : [peers.server, peers.client];
		await from.send(Buffer.alloc(1_000_000, "x")).stalled();
		await to.take(1_000_000);
		from.reset();
		t.equal(await to.ended(), "reset", side);
		t.match(await peers.done, { code: "ECONNRESET" });
	}
});

t.test("bytes that a handler changes, delays, and forwards before the end", async (t) => {
	const late: (() => void)[] = [];
	const { client, server } = await join(t, {
		handleBytes(bytes, pipe) {
			pipe.pause();
			late.push(() => {
				pipe.write(Buffer.from(bytes.toString().toUpperCase()));
				pipe.resume();
			});
			setImmediate(() => late.shift()?.());
		},
		handleEnd: (pipe: SocketPipe) => setTimeout(() => pipe.end(), 20),
	});
	client.send("abc");
	t.equal((await server.take(3)).toString(), "ABC");
	client.send("def").end();
	t.equal(await server.rest(), "DEF");
	server.close();
	await client.ended();
});
