// Connections have defaults for everything that is unknown.
import t from "tap";
import { clientConnection, serverConnection } from "../../../src/flow/connection.ts";

t.test("defaults and given properties", async (t) => {
	const client = clientConnection({ id: "c", peername: ["::1", 5, 0, 0], timestampStart: 1.5 });
	t.match(client, {
		id: "c",
		peername: ["::1", 5, 0, 0],
		transportProtocol: "tcp",
		tls: false,
		mitmcert: null,
		proxyMode: "regular",
		timestampStart: 1.5,
	});
	const server = serverConnection({ id: "s", address: ["a", 80], via: ["http", ["p", 8080]] });
	t.match(server, { id: "s", address: ["a", 80], via: ["http", ["p", 8080]], timestampTcpSetup: null, sni: null });
	t.not(
		clientConnection({ id: "x" }).certificateList,
		clientConnection({ id: "x" }).certificateList,
		"lists are not shared",
	);
	const all = {
		id: "a",
		peername: ["h", 1] as const,
		sockname: ["i", 2] as const,
		transportProtocol: "udp" as const,
		error: "e",
		tls: true,
		certificateList: [Buffer.of(1)],
		alpn: "h2",
		alpnOffers: ["h2"],
		cipher: "c",
		cipherList: ["c"],
		tlsVersion: "TLSv1.3",
		sni: "s",
		timestampStart: 1,
		timestampEnd: 2,
		timestampTlsSetup: 3,
		extra: { tail: [] },
	};
	t.match(clientConnection({ ...all, mitmcert: Buffer.of(2), proxyMode: "socks5" }), {
		...all,
		mitmcert: Buffer.of(2),
		proxyMode: "socks5",
	});
	t.match(serverConnection({ ...all, timestampTcpSetup: 4 }), {
		...all,
		timestampTcpSetup: 4,
		address: null,
		via: null,
	});
});
