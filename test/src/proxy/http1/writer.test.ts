// Messages written to a real socket, one after another.
import t from "tap";
import { socketPair } from "../../../../fixtures/socket-pair.ts";
import { WriteBatch } from "../../../../src/proxy/http1/write-batch.ts";
import { Http1Writer } from "../../../../src/proxy/http1/writer.ts";

t.test("bodies in the coding that their head announces", async (t) => {
	const { socket, peer } = await socketPair(t);
	const batch = new WriteBatch(socket);
	const writer = new Http1Writer(batch);
	for (const [coding, trailers, want] of [
		["plain", null, "head body of two"],
		["plain", ["A", "b"], "head body of two"],
		["none", null, "head "],
		["chunked", null, "head 5\r\nbody \r\n6\r\nof two\r\n0\r\n\r\n"],
		["chunked", ["A", "b"], "head 5\r\nbody \r\n6\r\nof two\r\n0\r\nA: b\r\n\r\n"],
	] as const) {
		writer.begin("head ", coding);
		writer.write(Buffer.from("body "));
		writer.write(Buffer.from("of two"));
		writer.end(trailers);
		batch.flush();
		t.equal((await peer.take(want.length)).toString(), want);
	}
	socket.end();
	t.equal(await peer.rest(), "");
});
