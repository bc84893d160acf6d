// Connections by mitmproxy's names.
import t from "tap";
import { clientConnection, serverConnection } from "../../../src/flow/connection.ts";
import { pairOf, tlsDataOf, viewOf } from "../../../src/scripts/connection-view.ts";

const client = clientConnection({
	id: "c",
	tlsVersion: "TLSv1.3",
	timestampStart: 1,
	alpnOffers: ["h2"],
	proxyMode: "socks5",
});
const server = serverConnection({ id: "s", address: ["a.test", 443] });

t.test("names in snake case, read and written", async (t) => {
	const view = viewOf(client);
	t.match(view, {
		id: "c",
		tls_version: "TLSv1.3",
		timestamp_start: 1,
		timestamp_tls_setup: null,
		alpn_offers: ["h2"],
		proxy_mode: "socks5",
	});
	t.ok("tls_version" in view);
	t.notOk("none_such" in view);
	view.error = "no";
	viewOf(server).address = ["b.test", 80];
	t.same([client.error, server.address], ["no", ["b.test", 80]]);
	t.equal(viewOf(client), view, "the same one each time");
});

t.test("client and server connection", async (t) => {
	t.same(pairOf({ server, client: null }).client, null);
	const { conn, context } = tlsDataOf({ conn: server, context: { server, client } });
	t.equal(conn, context.server);
	t.equal(context.client?.proxy_mode, "socks5");
});
