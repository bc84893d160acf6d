// Writes to a socket, collected within one turn of the event loop.
import { once } from "node:events";
import t from "tap";
import { socketPair } from "../../../../fixtures/socket-pair.ts";
import { WriteBatch } from "../../../../src/proxy/http1/write-batch.ts";

t.test("strings are bytes, and parts keep their order", async (t) => {
	const { socket, peer } = await socketPair(t);
	const batch = new WriteBatch(socket);
	const bytes = Buffer.from("\0\xff", "latin1");
	const large = Buffer.alloc(20_000, "x");
	for (const [parts, want] of [
		[["one \xe4"], "one \xe4"],
		[[bytes], "\0\xff"],
		[["a", bytes, "\xe4", Buffer.alloc(0), "", "b"], "a\0\xff\xe4b"],
		[["head", large, "\xfe", bytes], `head${"x".repeat(20_000)}\xfe\0\xff`],
	] as const) {
		for (const part of parts) batch.add(part);
		t.equal(batch.flush(), true);
		t.equal((await peer.take(want.length)).latin1Slice(), want);
	}
});

t.test("one write for each turn with data", async (t) => {
	const { socket, peer } = await socketPair(t);
	const batch = new WriteBatch(socket);
	const writes: number[] = [];
	const { write } = socket;
	socket.write = (bytes: Buffer) => {
		writes.push(bytes.length);
		return write.call(socket, bytes);
	};
	t.equal(batch.flush(), true);
	for (let i = 0; i < 10; i++) batch.add("0123456789");
	batch.flush();
	batch.add("more");
	t.equal(batch.flush(), true);
	t.strictSame(writes, [], "the turn goes on");
	await peer.take(104);
	t.strictSame(writes, [104]);
});

t.test("large parts are written at once, and `write` writes at once", async (t) => {
	const { socket, peer } = await socketPair(t);
	const batch = new WriteBatch(socket);
	batch.add(Buffer.alloc(20_000));
	batch.flush();
	t.equal(batch.isEmpty, true);
	batch.add("the ");
	batch.add("last");
	batch.flush();
	t.equal(batch.isEmpty, false);
	batch.write();
	socket.end();
	t.equal((await peer.take(20_008)).latin1Slice(20_000), "the last");
});

t.test("flush returns false until drain when much waits", async (t) => {
	const { socket, peer } = await socketPair(t);
	peer.socket.pause();
	const batch = new WriteBatch(socket);
	const chunk = Buffer.alloc(100_000);
	let sent = 0;
	for (let more = true; more; sent += chunk.length + 4) {
		batch.add("head");
		batch.add(chunk);
		more = batch.flush();
		await new Promise(setImmediate);
	}
	t.ok(sent > 1_000_000, "not while the kernel takes all");
	t.equal(batch.flush(), false, "still");
	batch.add("tail");
	t.equal(batch.flush(), false);
	peer.socket.resume();
	await once(socket, "drain");
	t.equal(batch.flush(), true);
	t.equal((await peer.take(sent + 4)).length, sent + 4);
});

t.test("after the socket is closed, parts are discarded", async (t) => {
	const { socket } = await socketPair(t);
	const batch = new WriteBatch(socket);
	socket.destroy();
	batch.add("x");
	t.equal(batch.flush(), true);
});

t.test("bytes that the kernel has not accepted yet stay unchanged", async (t) => {
	const { socket, peer } = await socketPair(t);
	peer.socket.pause();
	const [batch, other] = [new WriteBatch(socket), new WriteBatch((await socketPair(t)).socket)];
	const part = (n: number) => String(n % 10).repeat(5000);
	let added = 0;
	for (; added < 1000 && (socket.writableLength === 0 || added < 10); added++) {
		batch.add(part(added));
		batch.add(part(added));
		t.equal(batch.isEmpty, false);
		batch.flush();
	}
	t.ok(socket.writableLength > 0);
	for (let n = 0; n < 20; n++) {
		for (const each of [batch, other]) {
			each.add(part(added));
			each.add(part(added));
			each.flush();
		}
		added++;
	}
	peer.socket.resume();
	const got = (await peer.take(added * 10_000)).latin1Slice();
	t.equal(got, Array.from({ length: added }, (_, n) => part(n) + part(n)).join(""));
});
