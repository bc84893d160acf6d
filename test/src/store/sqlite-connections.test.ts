// Connections and certificates stand once in a tape, however many flows share them, and again when they have changed.
import { join } from "node:path";
import t from "tap";
import { clientConnection, serverConnection } from "../../../src/flow/connection.ts";
import { ConnectionTable } from "../../../src/store/sqlite-connections.ts";
import { TapeDatabase } from "../../../src/store/sqlite-database.ts";

const count = (db: TapeDatabase, what: string) => db.get<{ n: number }>(`SELECT count(*) AS n FROM ${what}`)?.n;

t.test("one row for one connection, another for each change", async (t) => {
	const db = new TapeDatabase(join(t.testdir(), "a.tape"), "append", false);
	const table = new ConnectionTable(db);
	const client = clientConnection({ id: "1" });
	const first = table.writeClient(client);
	t.equal(table.writeClient(client), first);
	t.equal(table.writeClient({ ...client }), first, "an equal one, as from a file");
	client.timestampTlsSetup = 5;
	const second = table.writeClient(client);
	t.not(second, first);
	client.timestampEnd = 6;
	const third = table.writeClient(client);
	t.not(third, second);
	t.equal(table.writeClient(client), third);
	const server = serverConnection({ id: "1" });
	const connecting = table.writeServer(server);
	t.not(connecting, third, "a server with the id of a client is another");
	server.timestampTcpSetup = 1;
	const connected = table.writeServer(server);
	server.error = "reset";
	t.equal(new Set([connecting, connected, table.writeServer(server)]).size, 3);
	t.equal(count(db, "connection"), 6);
	db.close();
});

t.test("certificates stand once, and are read with the connection", async (t) => {
	const db = new TapeDatabase(join(t.testdir(), "a.tape"), "append", false);
	const table = new ConnectionTable(db);
	const [leaf, root] = [Buffer.from("leaf"), Buffer.from("root")];
	const rows = ["1", "2"].map((id) => table.writeServer(serverConnection({ id, certificateList: [leaf, root] })));
	const again = new ConnectionTable(db).writeServer(serverConnection({ id: "3", certificateList: [root] }));
	t.equal(count(db, "certificate"), 2);
	const client = table.writeClient(clientConnection({ id: "c" }));
	t.same(table.readServer(rows[0] as number).certificateList.map(String), ["leaf", "root"]);
	t.same(table.readServer(again).certificateList.map(String), ["root"]);
	t.equal(table.readClient(client).id, "c");
	db.exec("DELETE FROM certificate");
	t.same(table.readServer(again).certificateList.map(String), [""]);
	t.throws(() => table.readClient(77), { code: "FT_CORRUPT_FLOW" });
	db.close();
});
