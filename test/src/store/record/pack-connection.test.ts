// Connections are restored, with certificates by key; damage is reported.
import t from "tap";
import { clientConnection, serverConnection } from "../../../../src/flow/connection.ts";
import { pack } from "../../../../src/store/record/msgpack.ts";
import {
	certificateKeys,
	packClient,
	packServer,
	unpackClient,
	unpackServer,
} from "../../../../src/store/record/pack-connection.ts";

const keyOf = (pem: Uint8Array) => Buffer.concat([Buffer.from("key of "), pem]);
const pemOf = (key: Uint8Array) => Buffer.from(key).subarray(7);

const common = {
	id: "1",
	peername: ["192.0.2.1", 443] as const,
	sockname: ["2001:db8::1", 5, 0, 3] as const,
	error: "reset",
	tls: true,
	certificateList: [Buffer.from("leaf"), Buffer.from("root")],
	alpn: "h2",
	alpnOffers: ["h2", "\xff"],
	cipher: "X",
	cipherList: ["X", "Y"],
	tlsVersion: "TLSv1.3",
	sni: "example.com",
	timestampStart: 1.5,
	timestampEnd: 2,
	timestampTlsSetup: 1.75,
};

t.test("client and server connections, with all properties and with none", async (t) => {
	for (const client of [
		clientConnection({ id: "c" }),
		clientConnection({
			...common,
			transportProtocol: "udp",
			mitmcert: Buffer.from("mine"),
			proxyMode: "socks5",
			extra: { tail: [7] },
		}),
	])
		t.same(unpackClient(packClient(client, keyOf), pemOf), client);
	for (const server of [
		serverConnection({ id: "s" }),
		serverConnection({
			...common,
			address: ["example.com", 443],
			timestampTcpSetup: 1.6,
			via: ["https", ["proxy", 3128]],
			extra: { tail: [null] },
		}),
	])
		t.same(unpackServer(packServer(server, keyOf), pemOf), server);
	t.same(certificateKeys(packClient(clientConnection(common), keyOf)), [
		keyOf(Buffer.from("leaf")),
		keyOf(Buffer.from("root")),
	]);
});

t.test("damage", async (t) => {
	const fields = [
		"1",
		null,
		null,
		"tcp",
		null,
		false,
		[],
		null,
		[],
		null,
		[],
		null,
		null,
		null,
		null,
		null,
		null,
		"regular",
	];
	t.equal(unpackClient(pack(fields), pemOf).id, "1");
	const wrong: readonly (readonly [at: number, value: unknown])[] = [
		...([
			[0, 1],
			[1, "host"],
			[1, [5, 5]],
			[2, ["h", "p"]],
			[3, "sctp"],
			[4, 4],
			[5, 1],
			[6, null],
			[6, ["text"]],
			[7, 7],
		] as const),
		...([
			[8, null],
			[8, [1]],
			[9, []],
			[10, {}],
			[11, 3],
			[12, 1],
			[13, "now"],
			[14, "x"],
			[15, false],
			[16, "pem"],
			[17, null],
		] as const),
	];
	for (const [at, value] of wrong)
		t.throws(
			() => unpackClient(pack(fields.with(at, value as never)), pemOf),
			{ code: "FT_CORRUPT_FLOW" },
			`field ${at}`,
		);
	const ends = [["host"], [["h", "p"]], [null, "x"], [null, null, ["http"]], [null, null, [1, ["h", 1]]]];
	for (const end of ends)
		t.throws(
			() => unpackServer(pack([...fields.slice(0, 16), ...end]), pemOf),
			{ code: "FT_CORRUPT_FLOW" },
			JSON.stringify(end),
		);
	t.same([certificateKeys(Buffer.of(1)), certificateKeys(pack([1])), certificateKeys(Buffer.alloc(0))], [[], [], []]);
});
