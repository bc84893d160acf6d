// Migrates records step by step. source.test.ts reads complete dumps of each version.
import t from "tap";
import { migrate } from "../../../formats/mitm/migrate.ts";
import type { Dictionary, Value } from "../../../formats/mitm/tnetstring.ts";
import { dictionary } from "../../../formats/mitm/values.ts";
import { VERSIONS } from "../../../formats/mitm/versions.ts";
import { Float } from "../../../src/flow/metadata.ts";

/** The migrated record, with dictionaries as the reader makes them. */
function migrated(version: (typeof VERSIONS)[number], fields: Dictionary): Dictionary {
	const made = (value: Value): Value =>
		typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype
			? dictionary(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, made(item)])))
			: value;
	return migrate(made(fields) as Dictionary, VERSIONS.indexOf(version));
}

t.test("names of messages", async (t) => {
	const { request, response } = migrated("0.11", {
		request: { httpversion: [1, 0], content: 0, form_in: "relative", path: null, timestamp_end: 5 },
		response: { httpversion: [1, 1], code: 404, msg: "No", content: Buffer.from("x") },
	});
	t.match(request, { http_version: "HTTP/1.0", content: null, path: "" });
	t.notOk("form_in" in (request as Dictionary));
	t.match(response, {
		http_version: "HTTP/1.1",
		status_code: 404,
		reason: "No",
		content: Buffer.from("x"),
		timestamp_start: 5,
		timestamp_end: 6,
	});
	t.match(migrated("0.15", { request: { body: Buffer.from("x") } }), { request: { content: Buffer.from("x") } });
});

t.test("addresses", async (t) => {
	const wrapped = { address: ["a", 1], use_ipv6: false };
	for (const version of ["0.17", "1.0", "2.0"] as const)
		t.match(
			migrated(version, { client_conn: { address: wrapped }, server_conn: { address: {}, source_address: wrapped } }),
			{
				client_conn: { address: ["a", 1] },
				server_conn: { address: null, source_address: ["a", 1] },
			},
		);
	t.match(migrated("0.17", { server_conn: { peer_address: wrapped } }), { server_conn: { ip_address: ["a", 1] } });
});

t.test("ids of connections: the same for the same connection", async (t) => {
	const id = (flow: Dictionary) => (flow.client_conn as Dictionary).id;
	const of = (start: number, flowId: string, address: Value = ["a", 1]) =>
		id(migrated("4", { id: flowId, client_conn: { timestamp_start: start, address } }));
	t.match(of(1, "x"), /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/);
	t.equal(of(1, "x"), of(1, "y"));
	t.not(of(1, "x"), of(2, "x"));
	t.not(of(1, "x", null), of(1, "y", null));
	t.equal(id(migrated("5", { client_conn: { id: "kept" } })), "kept");
});

t.test("TLS", async (t) => {
	const { client_conn, server_conn } = migrated("3.0", {
		client_conn: {
			ssl_established: true,
			timestamp_ssl_setup: 2,
			alpn_proto_negotiated: Buffer.from("h2"),
			cipher_name: "X",
			clientcert: Buffer.from("pem"),
		},
		server_conn: { ssl_established: false, cipher_name: "Y", cert: null },
	});
	t.match(client_conn, {
		tls: true,
		timestamp_tls_setup: 2,
		alpn: Buffer.from("h2"),
		alpn_offers: [Buffer.from("h2")],
		cipher_name: "X",
		cipher_list: ["X"],
	});
	t.match(client_conn, { certificate_list: [Buffer.from("pem")] });
	t.match(server_conn, { tls: false, certificate_list: [], cipher_name: null, cipher_list: ["Y"] });
});

t.test("marks, replays, times", async (t) => {
	t.match(migrated("8", { request: { is_replay: true }, response: { is_replay: true } }), { is_replay: "request" });
	t.match(migrated("8", { request: { is_replay: false }, response: { is_replay: true } }), { is_replay: "response" });
	t.match(migrated("12", { marked: true }), { marked: ":default:" });
	t.match(migrated("12", { marked: false }), { marked: "" });
	t.match(migrated("13", { marked: ":x:" }), { marked: ":x:" });
	t.match(migrated("13", { request: { timestamp_end: new Float(3) }, response: { timestamp_start: null } }), {
		response: { timestamp_start: 3, timestamp_end: 4 },
	});
	t.match(migrated("13", { response: { timestamp_start: 7, timestamp_end: 8 } }), {
		response: { timestamp_start: 7, timestamp_end: 8 },
	});
});

t.test("values of unexpected types are left for the reader to report", async (t) => {
	for (const version of VERSIONS)
		t.match(
			migrated(version, { request: 5, response: "x", client_conn: [1], server_conn: null, error: 2n ** 70n }),
			{ request: 5 },
			version,
		);
});
