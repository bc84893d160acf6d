// Migrates version 0.10 to 0.11.
import t from "tap";
import { migrateEarliest } from "../../../formats/mitm/earliest.ts";
import type { Dictionary } from "../../../formats/mitm/tnetstring.ts";
import { dictionary } from "../../../formats/mitm/values.ts";

function flow(request: Dictionary, response: Dictionary | null = null): Dictionary {
	return dictionary({ request: dictionary(request), response: response && dictionary(response), error: null });
}

t.test("fields of the request and response", async (t) => {
	const client = dictionary({ address: ["c", 1], requestcount: 3, error: null });
	const found = flow(
		{
			client_conn: client,
			host: "h",
			port: 443,
			scheme: Buffer.from("https"),
			ip: "192.0.2.1",
			tcp_setup_timestamp: 1,
			ssl_setup_timestamp: 2,
		},
		{ cert: Buffer.from("pem") },
	);
	migrateEarliest(found);
	t.match(found, {
		type: "http",
		id: /^[\da-f-]{36}$/,
		client_conn: { address: ["c", 1], ssl_established: true },
		server_conn: {
			address: ["h", 443],
			peer_address: ["192.0.2.1", 443],
			timestamp_tcp_setup: 1,
			timestamp_ssl_setup: 2,
			cert: Buffer.from("pem"),
		},
	});
	t.same(Object.keys(found.request as Dictionary), ["host", "port", "scheme"]);
});

t.test("unknown fields", async (t) => {
	const found = flow({ client_conn: null, scheme: "http" });
	migrateEarliest(found);
	t.match(found, {
		client_conn: { address: null },
		server_conn: { peer_address: null, cert: null, ssl_established: false },
	});
	const nothing = dictionary({ request: 5 });
	migrateEarliest(nothing);
	t.match(nothing, { type: "http", request: 5 });
});

t.test("ids are the same each time, and differ between flows", async (t) => {
	const id = (host: string) => {
		const found = flow({ host });
		migrateEarliest(found);
		return found.id;
	};
	t.equal(id("a"), id("a"));
	t.not(id("a"), id("b"));
});
