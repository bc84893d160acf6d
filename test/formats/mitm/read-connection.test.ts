// Reads connections leniently: their faults can no longer be reported.
import t from "tap";
import { opened } from "../../../fixtures/dump-records.ts";
import { readClient, readServer } from "../../../formats/mitm/read-connection.ts";
import { Reader } from "../../../formats/mitm/tnetstring.ts";

const common = {
	id: "c",
	peername: ["a", 1],
	sockname: ["::1", 2, 0, 0],
	transport_protocol: "udp",
	error: "reset",
	tls: true,
	certificate_list: [Buffer.from("pem")],
	alpn: Buffer.from("h2"),
	alpn_offers: [Buffer.from("h2"), "http/1.1"],
	cipher: "X",
	cipher_list: ["X", "Y"],
	tls_version: "TLSv1.3",
	sni: "é",
	timestamp_start: 1.5,
	timestamp_end: 2,
	timestamp_tls_setup: 3,
};
const expected = {
	id: "c",
	peername: ["a", 1],
	sockname: ["::1", 2, 0, 0],
	transportProtocol: "udp",
	error: "reset",
	tls: true,
	certificateList: [Buffer.from("pem")],
	alpn: "h2",
	alpnOffers: ["h2", "http/1.1"],
	cipher: "X",
	cipherList: ["X", "Y"],
	tlsVersion: "TLSv1.3",
	sni: "é",
	timestampStart: 1.5,
	timestampEnd: 2,
	timestampTlsSetup: 3,
};

t.test("all of a client", async (t) => {
	const client = readClient(opened({ ...common, mitmcert: Buffer.from("ours"), proxy_mode: "socks5", state: 3 }));
	t.match(client, { ...expected, mitmcert: Buffer.from("ours"), proxyMode: "socks5" });
});

t.test("all of a server", async (t) => {
	const server = readServer(
		opened({ ...common, address: ["b", 443], timestamp_tcp_setup: 2.5, via: ["http", ["proxy", 3128]] }),
	);
	t.match(server, { ...expected, address: ["b", 443], timestampTcpSetup: 2.5, via: ["http", ["proxy", 3128]] });
});

t.test("field names until version 18", async (t) => {
	t.match(readClient(opened({ address: ["a", 1], cipher_name: "X", state: 0, tls_extensions: null })), {
		peername: ["a", 1],
		cipher: "X",
	});
	const old = { ip_address: ["192.0.2.1", 443], source_address: ["s", 2], address: ["h", 443], cipher_name: "Y" };
	t.match(readServer(opened(old)), {
		peername: ["192.0.2.1", 443],
		sockname: ["s", 2],
		address: ["h", 443],
		cipher: "Y",
		via: null,
	});
	const via2 = ["http", ["p", 3128]];
	for (const fields of [
		{ via2, via: null },
		{ via: { address: ["x", 1] }, via2 },
	])
		t.match(readServer(opened({ ...old, ...fields })), { via: via2 });
});

t.test("a boolean as SNI", async (t) => {
	t.equal(readServer(opened({ sni: true, address: ["h", 443] })).sni, "h");
	t.equal(readServer(opened({ address: null, sni: true })).sni, null);
});

t.test("QUIC had no number", async (t) => {
	t.equal(readClient(opened({ tls_version: "QUIC" })).tlsVersion, "QUICv1");
});

t.test("missing connections and invalid fields", async (t) => {
	t.match(readClient(opened(null)), { id: "", peername: null, proxyMode: "regular" });
	t.match(readServer(opened(5)), { id: "", address: null, via: null });
	const wrong = Object.fromEntries(
		[...Object.keys(common), "mitmcert", "proxy_mode", "address", "via", "timestamp_tcp_setup"].map((key) => [
			key,
			key === "id" ? [] : 5,
		]),
	);
	t.match(readClient(opened(wrong)), {
		id: "",
		peername: null,
		tls: false,
		certificateList: [],
		alpn: null,
		sni: null,
		timestampStart: 5,
		proxyMode: "regular",
	});
	t.match(readServer(opened({ ...wrong, via: ["http", null], certificate_list: [5, "x"], timestamp_start: "x" })), {
		via: null,
		certificateList: [],
		timestampStart: null,
	});
	t.equal(readServer(opened({ via: [5, ["a", 1]] })).via, null);
});

t.test("addresses in invalid UTF-8", async (t) => {
	const bytes = Buffer.from("22:7:address,9:1:\xff;2:80#]}", "latin1");
	const reader = new Reader(bytes);
	reader.open(bytes.length);
	t.strictSame(readServer(reader).address, ["\udcff", 80]);
});
