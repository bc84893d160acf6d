// Connections of which little is known have the defaults that every format can write.
import t from "tap";
import { clientConnection, serverConnection } from "../../../src/flow/connection.ts";

t.test("defaults and what is known", async (t) => {
	const client = clientConnection({ id: "c", peername: ["::1", 5, 0, 0], timestampStart: 1.5 });
	t.match(client, { id: "c", peername: ["::1", 5, 0, 0], transportProtocol: "tcp", tls: false, mitmcert: null, proxyMode: "regular", timestampStart: 1.5 });
	const server = serverConnection({ id: "s", address: ["a", 80], via: ["http", ["p", 8080]] });
	t.match(server, { id: "s", address: ["a", 80], via: ["http", ["p", 8080]], timestampTcpSetup: null, sni: null });
	t.not(clientConnection({ id: "x" }).certificateList, clientConnection({ id: "x" }).certificateList, "lists are not shared");
});
