// Responses that arrived before a write failed are read.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, Socket } from "node:net";
import t from "tap";
import { ask, startOrigin } from "../../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { reportWriteErrorsLate } from "../../../../src/proxy/upstream/late-write-error.ts";

t.test("after a failed write, the socket ends when everything is read", async (t) => {
	const server = createServer((socket) => {
		// Closing with unread bytes sends a reset after the last bytes.
		socket.once("data", () => socket.pause().end("answer", () => socket.destroy()));
		socket.on("error", () => {});
	});
	t.teardown(() => void server.close());
	await once(server.listen(0, "127.0.0.1"), "listening");
	const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
	reportWriteErrorsLate(socket);
	let seen = "";
	const closed = new Promise((resolve) => socket.once("close", resolve));
	socket
		.on("error", () => {})
		.on("data", (chunk: Buffer) => {
			seen += chunk.toString();
		});
	for (let i = 0; i < 20; i++) socket.write(Buffer.alloc(1024 * 1024));
	await closed;
	t.equal(seen, "answer");
});

t.test("without data and without an end, the write error is reported after a delay", async (t) => {
	const socket = new Socket();
	const failure = new Error("broken pipe");
	socket._write = (_chunk, _encoding, done) => done(failure);
	reportWriteErrorsLate(socket);
	const reported = new Promise((resolve) => socket._write("x", "latin1", resolve));
	t.equal(await reported, failure);
});

t.test("a server that responds early and closes", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.socket.pause();
		server.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 9\r\n\r\ntoo large");
		server.socket.end(() => server.close());
	});
	const proxy = await startTestProxy(t);
	for (let i = 0; i < 8; i++) {
		const client = await proxy.connect();
		const { head, body } = await client
			.send(ask("POST", origin.authority, "/", ["Content-Length: 6000000"]))
			.send(Buffer.alloc(6_000_000))
			.message();
		t.match(`${head}${body}`, /^HTTP\/1\.1 413 .*too large$/s);
		client.close();
	}
});
