// Reports of clients that do not trust the authority.
import { createServer, Socket } from "node:net";
import t from "tap";
import { CLOSED, ClientTrust, handshakeFailure, silentClose } from "../../../../src/proxy/tls/client-trust.ts";

const alert = (name: string) =>
	`C0B1:error:0A000418:SSL routines:ssl3_read_bytes:${name}:../deps/openssl/rec_layer_s3.c:1590:SSL alert number 48\n`;

t.test("failures, and whether missing trust is the reason", async (t) => {
	t.strictSame(handshakeFailure("a.test", alert("tlsv1 alert unknown ca")), {
		message:
			'a client does not trust the certificate authority, and refused the certificate for a.test (tlsv1 alert unknown ca); "flowtape ca trust" shows how to make systems and programs trust it',
		refusal: "alert",
	});
	t.match(handshakeFailure("a.test", alert("ssl/tls alert bad certificate")), { refusal: "alert" });
	t.match(handshakeFailure("a.test", CLOSED), { message: /a\.test .*probably does not trust/, refusal: "close" });
	t.match(handshakeFailure("a.test", "read ECONNRESET"), { refusal: "close" });
	t.strictSame(handshakeFailure("a.test", alert("unsupported protocol")), {
		message: "the TLS handshake with a client for a.test failed: unsupported protocol",
		refusal: null,
	});
	t.match(silentClose("a.test"), /a\.test .*probably does not trust the certificate authority; "flowtape ca trust"/);
});

t.test("a connection that is closed at once and unused", async (t) => {
	for (const [sent, reported] of [
		["", 1],
		["x", 0],
	] as const) {
		let count = 0;
		const server = createServer((socket) => {
			new ClientTrust().watch("a.test", socket, () => count++);
			socket.resume().on("end", () => socket.end());
			socket.on("close", () => server.close());
		}).listen(0, "127.0.0.1");
		await new Promise((resolve) => server.once("listening", resolve));
		const { port } = server.address() as { port: number };
		new Socket().connect(port, "127.0.0.1").end(sent);
		await new Promise((resolve) => server.once("close", resolve));
		t.equal(count, reported, JSON.stringify(sent));
	}
});

t.test("once for each host", async (t) => {
	const hosts = new ClientTrust();
	t.strictSame(
		["a", "b", "a"].map((host) => hosts.isFirst(host)),
		[true, true, false],
	);
	for (let i = 0; i < 1000; i++) hosts.isFirst(String(i));
	t.equal(hosts.isFirst("a"), true, "not remembered for ever");
	t.equal(hosts.isSuspect("new"), true);
	t.equal(hosts.isSuspect("new"), false);
});
