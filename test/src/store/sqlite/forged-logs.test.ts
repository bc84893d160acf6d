// Logs beside a tape cannot make SQLite change or delete other files.
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { storeWith } from "../../../../fixtures/stores.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";
import { refuseForgedLogs } from "../../../../src/store/sqlite/forged-logs.ts";

t.test("a tape without logs, with flowtape's own logs, or that does not exist", async (t) => {
	const path = join(t.testdir({ "a.tape-wal": "", "a.tape-journal": "short" }), "a.tape");
	t.doesNotThrow(() => refuseForgedLogs(path));
	t.doesNotThrow(() => refuseForgedLogs(join(t.testdirName, "none", "a.tape")));
});

t.test("logs that would change other files are refused, and the files stay", async (t) => {
	const folder = t.testdir({ precious: "precious" });
	const precious = join(folder, "precious");
	const path = join(folder, "a.tape");
	await storeWith(path, [httpFlow()]);
	symlinkSync(path, join(folder, "link.tape"));
	const bytes = readFileSync(path);
	for (const log of ["a.tape-wal", "a.tape-shm", "a.tape-journal", "forged"]) {
		const file = join(folder, log === "forged" ? "a.tape-journal" : log);
		if (log === "forged") writeFileSync(file, Buffer.from(journalNaming(precious, bytes)));
		else symlinkSync("precious", file);
		for (const mode of ["read", "append"] as const)
			for (const name of ["a.tape", "link.tape"])
				t.throws(
					() => new TapeDatabase(join(folder, name), mode, false),
					{ code: "FT_STORE", file, message: /it would change other files/ },
					`${log} ${mode} ${name}`,
				);
		rmSync(file);
		t.equal(readFileSync(precious, "utf8"), "precious");
		t.same(readFileSync(path), bytes);
	}
});

/** A rollback journal that restores the first page of a database and then, as SQLite does, deletes a file. */
function journalNaming(file: string, database: Buffer): Buffer {
	const size = database.readUInt16BE(16);
	const page = database.subarray(0, size);
	let sum = 0;
	for (let at = size - 200; at > 0; at -= 200) sum += page[at] as number;
	const numbers = (...values: number[]) =>
		Buffer.concat(values.map((value) => Buffer.of(value >>> 24, value >>> 16, value >>> 8, value)));
	const magic = Buffer.from("d9d505f920a163d7", "hex");
	const head = Buffer.concat([magic, numbers(1, 0, database.length / size, 512, size)], 512);
	const name = Buffer.from(file);
	const nameSum = name.reduce((total, byte) => total + byte, 0);
	const end = Buffer.concat([numbers(0x40000000 / size + 1), name, numbers(name.length, nameSum), magic]);
	return Buffer.concat([head, numbers(1), page, numbers(sum), end]);
}
