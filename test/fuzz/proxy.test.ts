// After any bytes from clients and servers, and any end of a connection, the proxy continues and keeps no connection.
import fc from "fast-check";
import t from "tap";
import { makeAuthorities } from "../../fixtures/authorities.ts";
import { answering, ask, ok, startOrigin } from "../../fixtures/origin-server.ts";
import { startTestProxy } from "../../fixtures/running-proxy.ts";

const { proxy: authority } = await makeAuthorities(t);

const pieces = [
	"GET ",
	"POST ",
	"CONNECT ",
	"HEAD ",
	"/",
	"http://ORIGIN/",
	"ORIGIN",
	" HTTP/1.1\r\n",
	" HTTP/1.0\r\n",
	"HTTP/1.1 200 OK\r\n",
	"HTTP/1.1 101 X\r\n",
	"HTTP/1.1 103 X\r\n",
	"HTTP/1.1 204 X\r\n",
	"Host: ORIGIN\r\n",
	"Content-Length: 5\r\n",
	"Content-Length: 0\r\n",
	"Transfer-Encoding: chunked\r\n",
	"Connection: close\r\n",
	"Connection: upgrade\r\nUpgrade: websocket\r\n",
	"Expect: 100-continue\r\n",
	"\r\n",
	"\n",
	"hello",
	"5\r\nhello\r\n",
	"0\r\n\r\n",
	"GET http://ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n",
	"POST http://ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\nContent-Length: 5\r\n\r\n",
	"CONNECT ORIGIN HTTP/1.1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"\0",
	"\x81\x05hello",
	"\x88\x00",
	"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
];
const words = fc.array(
	fc.oneof(
		{ weight: 9, arbitrary: fc.constantFrom(...pieces) },
		{ weight: 1, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 9 }) },
	),
	{
		maxLength: 5,
	},
);
const side = fc.record({ words, ending: fc.constantFrom("end", "close", "reset", "stay") });

t.test("a client and a server that say anything", async (t) => {
	const good = await startOrigin(
		t,
		answering(() => ok("well")),
	);
	const proxy = await startTestProxy(t, {
		authority,
		options: { tcp_timeout: 3, connect_timeout: 3, record_tcp: true },
	});
	let said: string[] = [];
	let ending = "stay";
	const origin = await startOrigin(t, (client) => {
		for (const word of said) client.send(word);
		if (ending === "reset") client.reset();
		else if (ending !== "stay") client[ending === "end" ? "end" : "close"]();
	});
	const speak = fc.asyncProperty(side, side, async (client, server) => {
		said = server.words;
		ending = server.ending;
		const peer = await proxy.connect();
		for (const word of client.words) {
			peer.send(word.replaceAll("ORIGIN", origin.authority));
			await new Promise(setImmediate);
		}
		if (client.ending === "reset") peer.reset();
		else if (client.ending !== "stay") peer[client.ending === "end" ? "end" : "close"]();
	});
	await fc.assert(speak, { seed: 5, numRuns: 600, interruptAfterTimeLimit: 10_000 });
	const client = await proxy.connect();
	t.equal((await client.send(ask("GET", good.authority, "/")).message()).body.toString(), "well");
	client.close();
	const started = performance.now();
	await proxy.running.close({ graceMs: 90_000 });
	t.ok(performance.now() - started < 60_000, "no connection is left open for ever");
});
