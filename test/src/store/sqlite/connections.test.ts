// Connections are read on access, with their certificates.
import { join } from "node:path";
import t from "tap";
import { reports } from "../../../../fixtures/tape-files.ts";
import { clientConnection, serverConnection } from "../../../../src/flow/connection.ts";
import { ConnectionTable } from "../../../../src/store/sqlite/connections.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";
import { RowWriter } from "../../../../src/store/sqlite/row-writer.ts";
import { WrittenConnections } from "../../../../src/store/sqlite/written-connections.ts";

t.test("connections with existing and missing certificates", async (t) => {
	const db = new TapeDatabase(join(t.testdir(), "a.tape"), "append", false);
	const written = new WrittenConnections(new RowWriter(db, reports().report));
	const lost: number[] = [];
	const table = new ConnectionTable(db, (connection) => void lost.push(connection));
	const server = written.writeServer(
		serverConnection({ id: "s", certificateList: [Buffer.from("leaf"), Buffer.from("root")] }),
	);
	const client = written.writeClient(clientConnection({ id: "c" }));
	t.same(table.readServer(server).certificateList.map(String), ["leaf", "root"]);
	table.expect([server, client]);
	t.equal(table.readClient(client).id, "c");
	t.same(lost, []);
	for (const damage of ["UPDATE certificate SET pem = x'00'", "DELETE FROM certificate", "DROP TABLE certificate"]) {
		db.exec(damage);
		const table = new ConnectionTable(db, (connection) => void lost.push(connection));
		t.same(table.readServer(server).certificateList.map(String), ["", ""], damage);
		t.same(lost.splice(0), [server, server]);
	}
	t.throws(() => table.readClient(77), { code: "FT_CORRUPT_FLOW" });
	db.close();
});
