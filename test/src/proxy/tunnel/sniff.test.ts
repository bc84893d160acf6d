// Detection of the protocol inside TLS.
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import t, { type Test } from "tap";
import { sniffDecrypted, unlessRequest } from "../../../../src/proxy/tunnel/sniff.ts";

async function pair(t: Test): Promise<{ client: Socket; socket: Socket }> {
	const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
	await once(server, "listening");
	const client = connect((server.address() as { port: number }).port, "127.0.0.1");
	const [socket] = (await once(server, "connection")) as [Socket];
	t.teardown(() =>
		[client, socket, server].forEach((each) => void ("destroy" in each ? each.destroy() : each.close())),
	);
	return { client, socket };
}

t.test("HTTP and other protocols are detected, and no byte is lost", async (t) => {
	for (const [words, look] of [
		[["G", "ET / HTTP/1.1\r\n"], "http"],
		[["*1\r", "\n$4\r\nPING\r\n"], "other"],
		[["\0"], "other"],
		[["hello"], "undecided"],
	] as const) {
		const { client, socket } = await pair(t);
		const found = new Promise((resolve) => sniffDecrypted(socket, 0, resolve));
		for (const word of words) {
			client.write(word);
			await new Promise(setImmediate);
		}
		t.equal(await found, look, words.join(""));
		client.end();
		const chunks: Buffer[] = [];
		for await (const chunk of socket) chunks.push(chunk as Buffer);
		t.equal(Buffer.concat(chunks).toString(), words.join(""));
	}
});

t.test("a client that disconnects, or sends nothing until the timeout", async (t) => {
	const never = () => t.fail("it said nothing");
	const gone = await pair(t);
	sniffDecrypted(gone.socket, 0, never);
	gone.client.end();
	await once(gone.socket, "close");
	const silent = await pair(t);
	sniffDecrypted(silent.socket, 10, never);
	await once(silent.socket, "close");
});

t.test("undecided bytes are relayed until they turn out to be a request", async (t) => {
	const bytes = (text: string) => Buffer.from(text);
	const word = unlessRequest();
	t.strictSame([word(bytes("hello")), word(bytes("\n")), word(bytes("GET / HTTP/1.1\r\n"))], [true, true, true]);
	const request = unlessRequest();
	t.strictSame([request(bytes("GE")), request(bytes("T ")), request(bytes("/ HTTP/1.1\r\n"))], [true, true, false]);
});
