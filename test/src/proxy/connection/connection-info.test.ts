// Properties of real connections, with and without TLS.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";
import t, { type Test } from "tap";
import { makeAuthorities } from "../../../../fixtures/authorities.ts";
import { lacksIpv6 } from "../../../../fixtures/ipv6.ts";
import {
	certificateChain,
	clearTls,
	newClientConnection,
	newServerConnection,
	recordTcpSetup,
	recordTlsSetup,
	unnamedServerConnection,
} from "../../../../src/proxy/connection/connection-info.ts";

const { originPem, server } = await makeAuthorities(t);

/** Both ends of a connection. */
async function pair(t: Test, listen: string, to: string): Promise<{ client: Socket; accepted: Socket; port: number }> {
	const listener = createServer().listen(0, listen);
	await once(listener, "listening");
	const { port } = listener.address() as AddressInfo;
	const incoming = once(listener, "connection") as Promise<[Socket]>;
	const client = connect(port, to);
	const [accepted] = await incoming;
	if (client.connecting) await once(client, "connect");
	t.teardown(() => {
		listener.close();
		client.destroy();
		accepted.destroy();
	});
	return { client, accepted, port };
}

t.test("addresses: IPv4 in either form, and IPv6", async (t) => {
	for (const [listen, to, seen] of [
		["127.0.0.1", "127.0.0.1", "127.0.0.1"],
		...(lacksIpv6
			? []
			: ([
					["::", "127.0.0.1", "127.0.0.1"],
					["::1", "::1", "::1"],
				] as const)),
	] as const) {
		const { client, accepted, port } = await pair(t, listen, to);
		const clientConn = newClientConnection(accepted);
		t.match(clientConn, {
			peername: [seen, client.localPort],
			sockname: [seen, port],
			tls: false,
			timestampTlsSetup: null,
		});
		const toServer = newServerConnection("name.example", 8080);
		t.match(toServer, { address: ["name.example", 8080], peername: null, sockname: null, timestampTcpSetup: null });
		recordTcpSetup(toServer, client);
		t.match(toServer, { peername: [seen, port], sockname: [seen, client.localPort] });
		t.ok((toServer.timestampTcpSetup ?? 0) >= (toServer.timestampStart ?? Infinity));
		t.not(clientConn.id, toServer.id);
	}
});

t.test("a socket that is closed already", async (t) => {
	const { accepted } = await pair(t, "127.0.0.1", "127.0.0.1");
	accepted.destroy();
	await once(accepted, "close");
	t.match(newClientConnection(accepted), { peername: null, sockname: null });
});

t.test("TLS: version, cipher, protocol and certificates, on both ends", async (t) => {
	const { client, accepted } = await pair(t, "127.0.0.1", "127.0.0.1");
	const secureContext = server({ names: ["a.example"] });
	const inner = new TLSSocket(accepted, { isServer: true, secureContext, ALPNProtocols: ["http/1.1"] });
	const outer = connectTls({
		socket: client,
		servername: "a.example",
		ca: originPem,
		ALPNProtocols: ["http/1.1"],
		maxVersion: "TLSv1.2",
	});
	await Promise.all([once(inner, "secure"), once(outer, "secureConnect")]);
	const clientConn = newClientConnection(inner);
	t.equal(clientConn.tls, false);
	recordTlsSetup(clientConn, inner);
	t.match(clientConn, { tls: true, tlsVersion: "TLSv1.2", cipher: "ECDHE-ECDSA-AES128-GCM-SHA256", alpn: "http/1.1" });
	t.ok((clientConn.timestampTlsSetup ?? 0) >= (clientConn.timestampStart ?? Infinity));
	const [leaf, issuer, ...more] = certificateChain(outer);
	t.equal(leaf?.subjectAltName, "DNS:a.example");
	t.equal(issuer?.toString(), originPem);
	t.strictSame(more, []);
	t.strictSame(certificateChain(inner), []);
});

t.test("no ALPN protocol was negotiated", async (t) => {
	const { client, accepted } = await pair(t, "127.0.0.1", "127.0.0.1");
	const inner = new TLSSocket(accepted, { isServer: true, secureContext: server({ names: ["a.example"] }) });
	const outer = connectTls({ socket: client, servername: "a.example", ca: originPem });
	await Promise.all([once(inner, "secure"), once(outer, "secureConnect")]);
	const clientConn = newClientConnection(inner);
	recordTlsSetup(clientConn, inner);
	t.match(clientConn, { alpn: null, tlsVersion: "TLSv1.3", cipher: /^TLS_/ });
});

t.test("the TLS properties of the proxy connection are dropped in a tunnel", async (t) => {
	const { client, accepted } = await pair(t, "127.0.0.1", "127.0.0.1");
	const inner = new TLSSocket(accepted, { isServer: true, secureContext: server({ names: ["a.example"] }) });
	await Promise.all([
		once(inner, "secure"),
		once(connectTls({ socket: client, servername: "a.example", ca: originPem }), "secureConnect"),
	]);
	const clientConn = newClientConnection(inner);
	const before = { ...clientConn };
	recordTlsSetup(clientConn, inner);
	clearTls(clientConn);
	t.strictSame({ ...clientConn }, before);
	t.equal(unnamedServerConnection().address, null);
});
