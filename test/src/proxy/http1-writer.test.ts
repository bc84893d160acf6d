// What messages look like on an HTTP/1.1 connection.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import t from "tap";
import { Peer } from "../../../fixtures/peer.ts";
import { type Coding, Http1Writer } from "../../../src/proxy/http1-writer.ts";
import { WriteBatch } from "../../../src/proxy/write-batch.ts";

t.test("bodies in each coding", async (t) => {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	t.teardown(() => server.close());
	for (const [coding, want] of [
		["plain", "head\r\n\r\nabcde"],
		["none", "head\r\n\r\n"],
		["chunked", "head\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n"],
	] as const satisfies [Coding, string][]) {
		const accepted = once(server, "connection");
		const peer = await Peer.to((server.address() as AddressInfo).port);
		const [socket] = await accepted;
		const batch = new WriteBatch(socket);
		const writer = new Http1Writer(batch);
		writer.begin("head\r\n\r\n", coding);
		writer.write(Buffer.from("abc"));
		writer.write(Buffer.from("de"));
		writer.end(["X", "y"]);
		batch.flush();
		socket.end();
		t.equal(await peer.rest(), want, coding);
		peer.close();
	}
});
