// Connections and certificates are written once, and again after a change.
import { join } from "node:path";
import t from "tap";
import { reports } from "../../../../fixtures/tape-files.ts";
import { clientConnection, serverConnection } from "../../../../src/flow/connection.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";
import { RowWriter } from "../../../../src/store/sqlite/row-writer.ts";
import { WrittenConnections } from "../../../../src/store/sqlite/written-connections.ts";

const count = (db: TapeDatabase, what: string) => db.get<{ n: number }>(`SELECT count(*) AS n FROM ${what}`)?.n;

t.test("one row for a connection, and another one for each change", async (t) => {
	const db = new TapeDatabase(join(t.testdir(), "a.tape"), "append", false);
	const table = new WrittenConnections(new RowWriter(db, reports().report));
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
	t.not(connecting, third, "a server with the id of a client has its own row");
	server.timestampTcpSetup = 1;
	const connected = table.writeServer(server);
	server.error = "reset";
	t.equal(new Set([connecting, connected, table.writeServer(server)]).size, 3);
	t.equal(count(db, "connection"), 6);
	db.close();
});

t.test("certificates are written once", async (t) => {
	const db = new TapeDatabase(join(t.testdir(), "a.tape"), "append", false);
	const rows = new RowWriter(db, reports().report);
	const [leaf, root] = [Buffer.from("leaf"), Buffer.from("root")];
	for (const written of [new WrittenConnections(rows), new WrittenConnections(rows, 1)])
		for (const id of ["1", "2"]) written.writeServer(serverConnection({ id, certificateList: [leaf, root] }));
	t.equal(count(db, "certificate"), 2);
	t.equal(count(db, "connection"), 4);
	db.close();
});
