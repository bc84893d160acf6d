// One direction of a WebSocket: forwarding, frames, and reports.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { deflateRawSync, constants as zlib } from "node:zlib";
import t, { type Test } from "tap";
import { limitFileSize, noFileSizeLimit } from "../../../../fixtures/file-size-limit.ts";
import { gate } from "../../../../fixtures/gate.ts";
import { Peer } from "../../../../fixtures/peer.ts";
import { standstill } from "../../../../fixtures/standstill.ts";
import type { WebSocketMessage } from "../../../../src/flow/flow.ts";
import { defaults } from "../../../../src/options.ts";
import type { MemoryBudget } from "../../../../src/proxy/body/held-bytes.ts";
import { BodyPolicy, options } from "../../../../src/proxy/body/policy.ts";
import { relaySockets } from "../../../../src/proxy/tcp/relay.ts";
import type { Compression } from "../../../../src/proxy/websocket/deflate.ts";
import { Direction } from "../../../../src/proxy/websocket/direction.ts";
import { BINARY, CLOSE, CONTINUATION, PING, TEXT, writeFrame } from "../../../../src/proxy/websocket/frame.ts";

interface World {
	/** The two ends. The server's bytes go through the direction. */
	client: Peer;
	server: Peer;
	direction: Direction;
	reported: WebSocketMessage[];
	faults: unknown[];
	closings: string[];
}

/** `look` runs as a hook on messages; without it, messages are not held. */
async function world(
	t: Test,
	look?: (message: WebSocketMessage) => void | Promise<void>,
	compression: Compression | null = null,
	budget: MemoryBudget = new BodyPolicy(defaults(options)),
): Promise<World> {
	const listener = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
	await once(listener, "listening");
	const { port } = listener.address() as AddressInfo;
	const ends: { peer: Peer; socket: Socket }[] = [];
	for (const _ of ["client", "server"]) {
		const accepted = once(listener, "connection");
		const peer = await Peer.to(port);
		ends.push({ peer, socket: (await accepted)[0] });
	}
	listener.close();
	const [client, server] = ends as [{ peer: Peer; socket: Socket }, { peer: Peer; socket: Socket }];
	t.teardown(() => {
		for (const { peer, socket } of ends) {
			peer.close();
			socket.destroy();
		}
	});
	const reported: WebSocketMessage[] = [];
	const faults: unknown[] = [];
	const closings: string[] = [];
	let direction: Direction | null = null;
	const [, toClient] = relaySockets(client.socket, server.socket, {
		handleBytes: (bytes, pipe) => (pipe.fromClient ? pipe.write(bytes) : direction?.feed(bytes)),
		handleEnd: (pipe) => (pipe.fromClient ? pipe.end() : direction?.end()),
		onDone() {},
	});
	const events = {
		message(message: WebSocketMessage) {
			reported.push(message);
			return look?.(message);
		},
		closing: (fromClient: boolean, payload: Buffer) => void closings.push(`${fromClient} ${payload}`),
		unreadable: (error: unknown) => void faults.push(error),
	};
	direction = new Direction(events, toClient, { holds: look !== undefined, budget, compression });
	return { client: client.peer, server: server.peer, direction, reported, faults, closings };
}

const frame = (opcode: number, text: string, fin = true, rsv1 = false) =>
	writeFrame({ opcode, fin, rsv1 }, Buffer.from(text), false);

t.test("bytes are forwarded at once, even half a frame; messages are reported when they are complete", async (t) => {
	const { client, server, direction, reported, closings } = await world(t);
	const bytes = Buffer.concat([
		frame(TEXT, "a", false),
		frame(PING, "p"),
		frame(CONTINUATION, "b"),
		frame(CLOSE, "xx"),
	]);
	server.send(bytes.subarray(0, 7));
	t.ok((await client.take(7)).equals(bytes.subarray(0, 7)));
	t.equal(reported.length, 0);
	server.send(bytes.subarray(7)).end();
	t.equal(await client.rest(), bytes.subarray(7).latin1Slice());
	await direction.settled();
	t.match(reported, [{ opcode: 1, fromClient: false, content: Buffer.from("ab"), dropped: false, injected: false }]);
	t.strictSame(closings, ["false xx"]);
});

t.test("held messages are sent in their original frames if the length is unchanged", async (t) => {
	const { client, server } = await world(t, (message) => {
		if (message.content.length === 3) message.content = Buffer.from("four");
		if (message.content.length === 6) message.content = Buffer.alloc(9000, "x");
		if (message.content.length === 1) message.dropped = true;
	});
	server
		.send(frame(TEXT, "a", false))
		.send(frame(CONTINUATION, "bcd", false))
		.send(frame(CONTINUATION, ""));
	server
		.send(frame(TEXT, "one"))
		.send(frame(TEXT, "d"))
		.send(frame(BINARY, "abc", false))
		.send(frame(CONTINUATION, "def"))
		.send(frame(PING, "p"))
		.end();
	const x = (size: number) => "x".repeat(size);
	const want = [
		frame(TEXT, "a", false),
		frame(CONTINUATION, "bcd", false),
		frame(CONTINUATION, ""),
		frame(TEXT, "four"),
	];
	want.push(
		frame(BINARY, x(4000), false),
		frame(CONTINUATION, x(4000), false),
		frame(CONTINUATION, x(1000)),
		frame(PING, "p"),
	);
	t.equal(await client.rest(), Buffer.concat(want).latin1Slice());
});

t.test("messages that wait for hooks keep their order and pause the sender", async (t) => {
	const release = gate();
	const { client, server, reported } = await world(t, (message) =>
		message.content.toString() === "0" ? release.opened : undefined,
	);
	const big = "x".repeat(100_000);
	server.send(frame(TEXT, "0"));
	for (let i = 0; i < 300; i++) server.send(frame(TEXT, big));
	t.ok((await server.stalled()) > 5_000_000);
	t.equal(reported.length, 1);
	t.equal(client.seen, "");
	release.open();
	server.end();
	t.equal((await client.rest()).length, 3 + 300 * frame(TEXT, big).length);
	t.equal(reported.length, 301);
});

t.test(
	"compressed messages are inflated for hooks and deflated again, or sent uncompressed if the window is too small",
	async (t) => {
		const hello = Buffer.from("f248cdc9c90700", "hex").latin1Slice();
		for (const windowBits of [15, 8]) {
			const { client, server, reported, direction } = await world(t, () => {}, { keepsContext: true, windowBits });
			server
				.send(writeFrame({ opcode: TEXT, rsv1: true }, Buffer.from(hello, "latin1"), false))
				.send(frame(TEXT, "plain"))
				.end();
			const first = await client.rest();
			t.equal(first.charCodeAt(0), windowBits === 15 ? 0xc1 : 0x81);
			t.ok(first.endsWith(frame(TEXT, "plain").latin1Slice()));
			await direction.settled();
			t.match(reported, [{ content: Buffer.from("Hello") }, { content: Buffer.from("plain") }]);
		}
		const { server, reported, faults, direction, client } = await world(t);
		server.send(frame(TEXT, "Hello", true, true)).end();
		await client.rest();
		await direction.settled();
		t.equal(reported.length, 0);
		t.match(faults, [{ code: "FT_PROTOCOL", message: /compress/ }]);
	},
);

t.test("injected messages wait for their place", async (t) => {
	for (const look of [undefined, () => {}, async () => {}]) {
		const { client, server, direction, reported } = await world(t, look);
		direction.inject(TEXT, Buffer.from("first"));
		t.equal((await client.take(7)).latin1Slice(2), "first");
		server.send(frame(TEXT, "a", false)).send(frame(PING, "p"));
		if (look === undefined) await client.take(6);
		else await client.take(3);
		direction.inject(BINARY, Buffer.from("second"));
		server.send(frame(CONTINUATION, "b")).end();
		const rest = await client.rest();
		if (look === undefined)
			t.equal(rest, Buffer.concat([frame(CONTINUATION, "b"), frame(BINARY, "second")]).latin1Slice());
		t.ok(rest.includes("second"));
		await direction.settled();
		t.strictSame(
			reported.filter(({ injected }) => injected).map(({ opcode, content }) => `${opcode} ${content}`),
			["1 first", "2 second"],
		);
	}
});

t.test("malformed messages pass unless messages are held", async (t) => {
	for (const look of [undefined, () => {}]) {
		const { client, server, faults, reported } = await world(t, look);
		server.send(frame(TEXT, "ok")).send("\xff".repeat(14)).send(frame(TEXT, "late")).end();
		const rest = await client.rest();
		t.ok(rest.startsWith(frame(TEXT, "ok").latin1Slice()));
		t.equal(rest.includes("late"), look === undefined);
		t.equal(reported.length, 1);
		t.match(faults, [{ code: "FT_PROTOCOL" }]);
	}
});

/** A budget that is always full, and the bytes that it counts. */
function fullRoom() {
	return {
		waiting: 0,
		countWaiting(bytes: number) {
			this.waiting += bytes;
		},
		isFull: true,
	};
}

t.test("large messages wait in a file: until they are complete, and until the receiver accepts them", async (t) => {
	const content = Buffer.alloc(3_000_000, "large");
	for (const compression of [null, { keepsContext: false, windowBits: 15 }]) {
		const room = fullRoom();
		const sent =
			compression === null
				? content
				: deflateRawSync(randomBytes(1_000_000), { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -4);
		const { client, server, reported, direction } = await world(t, () => {}, compression, room);
		const half = Math.floor(sent.length / 2);
		server.send(writeFrame({ opcode: BINARY, fin: false, rsv1: compression !== null }, sent.subarray(0, half), false));
		server.send(frame(PING, "here"));
		await client.take(frame(PING, "here").length);
		t.ok(room.waiting < 65_536, `${room.waiting} bytes of half a message in memory`);
		client.socket.pause();
		server.send(writeFrame({ opcode: CONTINUATION }, sent.subarray(half), false)).end();
		while (reported.length === 0) await new Promise(setImmediate);
		await standstill(() => room.waiting);
		t.equal(reported[0]?.content.length, compression === null ? content.length : 1_000_000);
		t.ok(room.waiting < 65_536, `${room.waiting} bytes of a whole message in memory`);
		client.socket.resume();
		const rest = Buffer.from(await client.rest(), "latin1");
		if (compression === null) t.ok(rest.subarray(-1_500_000).equals(content.subarray(-1_500_000)));
		await direction.settled();
		t.equal(room.waiting, 0);
	}
});

t.test("a message that cannot be buffered is a fault", { skip: noFileSizeLimit }, async (t) => {
	const room = fullRoom();
	const { server, faults, direction } = await world(t, () => {}, null, room);
	t.teardown(() => limitFileSize("unlimited"));
	limitFileSize(100_000);
	server.send(writeFrame({ opcode: BINARY }, Buffer.alloc(500_000), false)).end();
	while (faults.length === 0) await new Promise(setImmediate);
	limitFileSize("unlimited");
	t.match(faults, [{ code: "FT_IO" }]);
	await direction.settled();
	t.equal(room.waiting, 0);
});

t.test("an incomplete message is released at the end", async (t) => {
	const room = { ...fullRoom(), isFull: false };
	const { client, server, direction, reported } = await world(t, undefined, null, room);
	const bytes = frame(BINARY, "x".repeat(500_000), false);
	server.send(bytes).end();
	await client.rest();
	t.equal(room.waiting, 500_000);
	await direction.settled();
	t.equal(room.waiting, 0);
	t.equal(reported.length, 0);
});
