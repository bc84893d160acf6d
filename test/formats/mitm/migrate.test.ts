// Older records become those of version 21.
import t from "tap";
import { migrate, NEWEST, OLDEST } from "../../../formats/mitm/migrate.ts";
import { type RecordFields, readFlow } from "../../../formats/mitm/read-flow.ts";
import type { Dictionary } from "../../../formats/mitm/tnetstring.ts";

function record(fields: Dictionary, client: Dictionary, server: Dictionary): RecordFields {
	return { fields, clientConn: () => client, serverConn: () => server, metadata: () => null, backup: () => null };
}

t.test("version 18: connections have other names", async (t) => {
	const client = { address: ["c", 1], mitmcert: null, cipher_name: "X", state: 0 };
	const server = { ip_address: ["1.2.3.4", 443], source_address: ["s", 2], address: ["h", 443], via2: ["http", ["p", 3128]], sni: true, cipher_name: "Y" };
	const { fields, clientConn, serverConn } = migrate(record({ version: 18, type: "tcp", id: "x", messages: [] }, client, server));
	const flow = readFlow({ ...record(fields, {}, {}), clientConn, serverConn });
	t.match(flow.clientConn, { peername: ["c", 1], cipher: "X" });
	t.match(flow.serverConn, { peername: ["1.2.3.4", 443], sockname: ["s", 2], cipher: "Y", via: ["http", ["p", 3128]], sni: "h" });
});

t.test("version 20: QUIC has a version", async (t) => {
	const { clientConn } = migrate(record({ version: 20 }, { tls_version: "QUIC" }, {}));
	t.match(clientConn(), { tls_version: "QUICv1" });
});

t.test("the newest passes, others are refused by name", async (t) => {
	t.match(migrate(record({ version: NEWEST, id: "x" }, {}, {})).fields, { id: "x" });
	t.throws(() => migrate(record({ version: NEWEST + 1 }, {}, {})), { code: "FT_NEWER_FORMAT" });
	t.throws(() => migrate(record({ version: OLDEST - 1 }, {}, {})), { code: "FT_CORRUPT_FLOW", message: /versions \d+ to 21/ });
	t.throws(() => migrate(record({}, {}, {})), { code: "FT_CORRUPT_FLOW", message: /version/ });
});
