// TLS handshakes with clients after their ClientHello.
import { once } from "node:events";
import { createServer } from "node:net";
import t, { type Test } from "tap";
import { makeAuthorities } from "../../../../fixtures/authorities.ts";
import { Peer } from "../../../../fixtures/peer.ts";
import { newClientConnection } from "../../../../src/proxy/connection/connection-info.ts";
import { acceptTls } from "../../../../src/proxy/tls/client-handshake.ts";

const { server, originPem } = await makeAuthorities(t);

/** Serves one connection of a client, on which `use` acts. Resolves to the result. */
async function handshake(t: Test, use: (client: Peer) => unknown) {
	const listener = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
	t.teardown(() => listener.close());
	await once(listener, "listening");
	const accepted = once(listener, "connection");
	const client = await Peer.to((listener.address() as { port: number }).port);
	const [socket] = await accepted;
	t.teardown(() => client.close());
	const clientConn = newClientConnection(socket);
	const hello = { serverName: "www.example.com", alpn: ["http/1.1"] };
	const outcome = new Promise<string | null>((resolve) => {
		const leaf = {
			certificate: Buffer.from("its certificate"),
			contextNow: () => server({ names: ["www.example.com"] }),
		};
		acceptTls(socket, { hello, leaf, protocols: Buffer.from("\x08http/1.1"), clientConn }, resolve);
	});
	use(client);
	return { failure: await outcome, clientConn };
}

t.test("a complete handshake, and the properties of its connection", async (t) => {
	const { failure, clientConn } = await handshake(t, (client) =>
		client.secure({ servername: "www.example.com", ca: originPem, ALPNProtocols: ["http/1.1"] }).catch(() => {}),
	);
	t.equal(failure, null);
	t.match(clientConn, {
		sni: "www.example.com",
		alpn: "http/1.1",
		alpnOffers: ["http/1.1"],
		tls: true,
		tlsVersion: "TLSv1.3",
		mitmcert: Buffer.from("its certificate"),
	});
});

t.test("clients that do not continue, and bytes that are not TLS", async (t) => {
	for (const how of ["close", "reset"] as const)
		t.match((await handshake(t, (client) => client[how]())).failure, /closed the connection|ECONNRESET/);
	t.match(
		(await handshake(t, (client) => client.send("GET / HTTP/1.1\r\n\r\n"))).failure,
		/wrong version|http request/i,
	);
});
