// Notes on the tape itself: written, read, and copied with its rows.
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { bareSqlite } from "../../../../fixtures/bare-sqlite.ts";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { storeAt, storeWith } from "../../../../fixtures/stores.ts";

t.test("a later note replaces an earlier one of the same name", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const store = storeAt(path, "append");
	store.note("redacted", { version: 1, kinds: ["token"], salt: Buffer.of(0, 255) });
	store.note("seed", 2n ** 80n);
	store.note("seed", "caf\ud800");
	await store.close();
	const read = storeAt(path, "read");
	t.same(read.notes(), { redacted: { version: 1, kinds: ["token"], salt: Buffer.of(0, 255) }, seed: "caf\ud800" });
	await read.close();
});

t.test("older tapes have none", async (t) => {
	const path = join(t.testdir(), "old.tape");
	copyFileSync("fixtures/flows/tape-1.tape", path);
	const store = storeAt(path, "read");
	t.same(store.notes(), {});
	await store.close();
});

t.test("a damaged note is reported and left out", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await storeWith(path, [httpFlow()]);
	const db = bareSqlite(path);
	db.exec("INSERT INTO meta VALUES ('bad', x'c1'), ('good', x'01')");
	db.close();
	const reported: string[] = [];
	const store = storeAt(path, "read", { report: (code, message) => reported.push(`${code} ${message}`) });
	t.same(store.notes(), { good: 1 });
	t.same(reported, [`FT_CORRUPT_FLOW ${path}: the note "bad" on the tape is damaged; it is left out`]);
	await store.close();
});
