// Errors of SQLite name the tape and say what to do.
import t from "tap";
import { damagedTape, foreignObjectError, storeError } from "../../../../src/store/sqlite/store-errors.ts";

t.test("errors of SQLite by their code", async (t) => {
	for (const [code, expected] of [
		["SQLITE_NOTADB", { code: "FT_UNKNOWN_FORMAT", message: /^a\.tape: byte 0: not a tape/ }],
		["SQLITE_FULL", { code: "FT_IO", message: /the disk is full; existing data is kept/ }],
		["SQLITE_BUSY_SNAPSHOT", { code: "FT_IO", message: /another process is writing/ }],
		["SQLITE_READONLY_ROLLBACK", { code: "FT_IO", message: /a\.tape-journal: .*flowtape record/ }],
		["SQLITE_READONLY_DBMOVED", { code: "FT_IO", message: /deleted or moved/ }],
		["SQLITE_READONLY", { code: "FT_IO", message: /read-only/ }],
		["SQLITE_CANTOPEN", { code: "FT_IO", message: /check that its folder exists/ }],
		["SQLITE_IOERR_READ", { code: "FT_IO", message: /SQLITE_IOERR_READ/ }],
		["SQLITE_CORRUPT", { code: "FT_STORE", message: /the tape is damaged \(malformed\)/ }],
		["ERR_OUT_OF_RANGE", { code: "FT_STORE", message: /a number out of range/ }],
	] as const) {
		const cause = Object.assign(new Error("malformed"), { code });
		t.match(storeError("a.tape", cause), { ...expected, file: "a.tape", cause }, code);
	}
	const other = new Error("something else");
	t.equal(storeError("a.tape", other), other);
	t.equal(storeError("a.tape", "text"), "text");
});

t.test("damaged and forged tapes", async (t) => {
	t.match(damagedTape("a.tape", "no pages"), { code: "FT_STORE", message: "a.tape: the tape is damaged: no pages" });
	const forged = { type: "trigger", name: "a\nb", sql: null };
	t.match(foreignObjectError("a.tape", forged).message, /^a\.tape: the trigger "a\\nb" of the tape is not as flowtape/);
	t.match(foreignObjectError("a.tape", { ...forged, type: "odd\n" }).message, /the object "a\\nb"/);
});
