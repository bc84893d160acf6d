// Writes the fields of connections in each version, and reports losses.
import t from "tap";
import { PEM as pem } from "../../../fixtures/varied-flows.ts";
import { FieldWriter } from "../../../formats/mitm/field-writer.ts";
import { type Dictionary, Reader } from "../../../formats/mitm/tnetstring.ts";
import { writeClient, writeServer } from "../../../formats/mitm/write-connection.ts";
import {
	type ClientConnection,
	clientConnection,
	type ServerConnection,
	serverConnection,
} from "../../../src/flow/connection.ts";

function written(write: (writer: FieldWriter, lost: (what: string) => void) => void): {
	fields: Dictionary;
	lost: string[];
} {
	const writer = new FieldWriter();
	const lost: string[] = [];
	writer.dictionary(() => write(writer, (what) => lost.push(what)));
	const bytes = writer.takeBytes();
	return { fields: { ...(new Reader(bytes).value(bytes.length) as Dictionary) }, lost };
}

const client = (version: number, known: Partial<ClientConnection> = {}) =>
	written((writer, lost) =>
		writeClient(writer, clientConnection({ id: "c", ...known }), { version, reportLoss: lost }),
	);
const server = (version: number, known: Partial<ServerConnection> = {}) =>
	written((writer, lost) =>
		writeServer(writer, serverConnection({ id: "s", ...known }), { version, reportLoss: lost }),
	);

const shared = [
	"id",
	"error",
	"tls",
	"certificate_list",
	"alpn",
	"alpn_offers",
	"cipher_list",
	"tls_version",
	"sni",
	"timestamp_start",
	"timestamp_end",
	"timestamp_tls_setup",
];
const sorted = (names: Iterable<string>) => [...names].sort();

t.test("exactly the keys that loaders require", async (t) => {
	const newer = [...shared, "peername", "sockname", "transport_protocol", "cipher"];
	const older = [...shared, "address", "cipher_name", "state", "tls_established"];
	for (const version of [20, 21]) {
		t.same(sorted(Object.keys(client(version).fields)), sorted([...newer, "mitmcert", "proxy_mode"]));
		t.same(sorted(Object.keys(server(version).fields)), sorted([...newer, "address", "timestamp_tcp_setup", "via"]));
	}
	t.same(
		sorted(Object.keys(client(18).fields)),
		sorted([...older, "sockname", "mitmcert", "tls_extensions", "proxy_mode"]),
	);
	for (const version of [15, 17])
		t.same(sorted(Object.keys(client(version).fields)), sorted([...older, "sockname", "mitmcert", "tls_extensions"]));
	for (const version of [15, 17, 18])
		t.same(
			sorted(Object.keys(server(version).fields)),
			sorted([...older, "ip_address", "source_address", "timestamp_tcp_setup", "via2"]),
		);
});

t.test("fields that must not be null", async (t) => {
	for (const version of [20, 21]) t.match(client(version).fields, { peername: ["", 0], sockname: ["", 0] });
	for (const version of [15, 17, 18])
		t.match(client(version).fields, { address: ["", 0], sockname: ["", 0], state: 0 });
	t.match(server(21).fields, { peername: null, sockname: null, address: null, timestamp_start: null });
});

t.test("values under their names", async (t) => {
	const known = {
		peername: ["192.0.2.1", 443] as const,
		sockname: ["10.0.0.1", 4000] as const,
		address: ["h", 443, 0, 0] as const,
		via: ["http", ["p", 3128]] as const,
		tls: true,
		cipher: "X",
		tlsVersion: "TLSv1.3",
		timestampTlsSetup: 3.5,
		transportProtocol: "udp" as const,
		alpn: "h3",
		certificateList: [pem],
	};
	const common = {
		address: ["h", 443],
		tls: true,
		tls_version: "TLSv1.3",
		alpn: Buffer.from("h3"),
		certificate_list: [pem],
		transport_protocol: "udp",
	};
	t.match(server(21, known), {
		fields: {
			...common,
			peername: ["192.0.2.1", 443],
			sockname: ["10.0.0.1", 4000],
			via: ["http", ["p", 3128]],
			cipher: "X",
		},
		lost: [],
	});
	t.match(server(18, known), {
		fields: {
			...common,
			ip_address: ["192.0.2.1", 443],
			source_address: ["10.0.0.1", 4000],
			via2: ["http", ["p", 3128]],
			cipher_name: "X",
			tls_established: true,
		},
		lost: [],
	});
});

t.test("proxy modes", async (t) => {
	t.match(client(21, { proxyMode: "tun" }), { fields: { proxy_mode: "tun" }, lost: [] });
	t.match(client(20, { proxyMode: "tun" }), { fields: { proxy_mode: "regular" }, lost: ['the proxy mode "tun"'] });
	t.match(client(18, { proxyMode: "socks5" }), { fields: { proxy_mode: "socks5" }, lost: [] });
	t.same(client(17, { proxyMode: "socks5" }).lost, ["proxy modes"]);
	t.same(client(15).lost, []);
});

t.test("TLS versions", async (t) => {
	t.match(client(21, { tlsVersion: "QUICv1" }).fields, { tls_version: "QUICv1" });
	t.match(client(20, { tlsVersion: "QUICv1" }).fields, { tls_version: "QUIC" });
	t.match(client(21, { tlsVersion: "TLSv9" }), { fields: { tls_version: null }, lost: ['the TLS version "TLSv9"'] });
});

t.test("values that would make a file unreadable", async (t) => {
	const odd = Buffer.from("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
	for (let n = 0; n < 2; n++)
		t.match(server(21, { certificateList: [odd, pem, Buffer.from("x")] }), {
			fields: { certificate_list: [pem] },
			lost: ["invalid certificates"],
		});
	t.match(client(21, { mitmcert: odd }), { fields: { mitmcert: null }, lost: ["invalid certificates"] });
	t.match(client(21, { mitmcert: pem }), { fields: { mitmcert: pem }, lost: [] });
	t.match(server(21, { via: ["gopher", ["p", 70]] }), {
		fields: { via: null },
		lost: ['upstream proxies with the scheme "gopher"'],
	});
	t.same(server(21, { extra: { tail: [1] } }).lost, ["unknown fields"]);
});
