// Pages are read from the write-ahead log if it has them: up to its last commit, as SQLite does.
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { bareSqlite } from "../../../../fixtures/bare-sqlite.ts";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { rootOf, withEndlessTree } from "../../../../fixtures/forged-trees.ts";
import { storeWith } from "../../../../fixtures/stores.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";

const REFUSED = { code: "FT_STORE", message: /its tables point to more pages/ };

t.test("pages in the write-ahead log replace those in the file", async (t) => {
	const folder = t.testdir();
	const good = join(folder, "good.tape");
	await storeWith(good, [httpFlow(), httpFlow()]);
	const changed = join(folder, "changed.tape");
	copyFileSync(good, changed);
	const db = bareSqlite(changed);
	db.exec("UPDATE flow SET path = '/changed'");
	db.close();
	const [before, after] = [readFileSync(good), readFileSync(changed)];
	const forged = withEndlessTree(before, rootOf(good, "flow"));
	const path = join(folder, "a.tape");
	const open = (file: Buffer, log: Buffer) => {
		rmSync(`${path}-shm`, { force: true });
		writeFileSync(path, file);
		writeFileSync(`${path}-wal`, log);
		return new TapeDatabase(path, "read", false);
	};
	const paths = (db: TapeDatabase) => {
		try {
			return db.column("SELECT DISTINCT path FROM flow");
		} finally {
			db.close();
		}
	};
	for (const isLittleEndian of [true, false]) {
		t.same(paths(open(before, logTo(after, isLittleEndian))), ["/changed"], "SQLite reads the log");
		t.same(paths(open(forged, logTo(after, isLittleEndian))), ["/changed"], "the forged pages are replaced");
		t.throws(() => open(before, logTo(forged, isLittleEndian)), REFUSED);
		const torn = logTo(after, isLittleEndian);
		torn.writeUInt8((torn.at(-1) as number) ^ 1, torn.length - 1);
		t.throws(() => open(forged, torn), REFUSED, "a log without a commit does not count");
	}
});

/** A write-ahead log with all pages of a file, in one commit. */
function logTo(file: Buffer, isLittleEndian: boolean): Buffer {
	const size = file.readUInt16BE(16);
	const count = file.length / size;
	let [first, second] = [0, 0];
	const sum = (bytes: Buffer) => {
		const word = (at: number) => (isLittleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
		for (let at = 0; at < bytes.length; at += 8) {
			first = (first + word(at) + second) >>> 0;
			second = (second + word(at + 4) + first) >>> 0;
		}
		return numbers(first, second);
	};
	const salts = numbers(11, 22);
	const header = Buffer.concat([numbers(isLittleEndian ? 0x377f0682 : 0x377f0683, 3007000, size, 0), salts]);
	const parts = [header, sum(header)];
	for (let page = 1; page <= count; page++) {
		const head = numbers(page, page === count ? count : 0);
		const bytes = file.subarray((page - 1) * size, page * size);
		sum(head);
		parts.push(head, salts, sum(bytes), bytes);
	}
	return Buffer.concat(parts);
}

function numbers(...values: number[]): Buffer {
	const bytes = Buffer.alloc(4 * values.length);
	for (const [n, value] of values.entries()) bytes.writeUInt32BE(value, 4 * n);
	return bytes;
}
