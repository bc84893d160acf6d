// Tapes of every version that there was are read, filtered, replayed, and brought to the newest version by who writes
// to them. The golden files are made by fixtures/make/tape.mjs, once for each version.
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../fixtures/build-flow.ts";
import { flowsOf, storeAt, storeWith } from "../fixtures/stores.ts";
import { readTape } from "../fixtures/tape-files.ts";
import { comparable } from "../fixtures/varied-flows.ts";
import { compileFilter } from "../src/filter/compile.ts";
import { defaultRequestKey } from "../src/replay/match/key.ts";
import { TapeDatabase } from "../src/store/sqlite/database.ts";
import { SCHEMA_VERSION } from "../src/store/sqlite/schema.ts";

const golden = (version: number, kind: string) => `fixtures/flows/tape-${version}.${kind}`;

/** All tables and indexes with their columns, sorted, because migrations add them in another order. */
function tablesOf(path: string): unknown[] {
	const db = new TapeDatabase(path, "read", false);
	const columns = db.all(
		'SELECT m.name AS object, c.name, c.type, c."notnull" FROM sqlite_schema m, pragma_table_info(m.name) c ORDER BY 1, 2',
	);
	const indexes = db.all("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1");
	db.close();
	return [...columns, ...indexes];
}

for (let version = 1; version <= SCHEMA_VERSION; version++) {
	t.test(`version ${version}`, async (t) => {
		const path = join(t.testdir(), "old.tape");
		t.ok(
			existsSync(golden(version, "tape")),
			"a new version has a golden tape of its own: node fixtures/make/tape.mjs",
		);
		copyFileSync(golden(version, "tape"), path);
		const expected = (await readTape(golden(version, "jsonl"))).flows;

		await t.test("is read and filtered as it is", async (t) => {
			t.same((await readTape(path)).flows.map(comparable), expected.map(comparable));
			const store = storeAt(path, "read");
			for (const [filter, count] of [
				["~c 404 & ~d shop", 1],
				["~tcp | ~udp | ~dns", 3],
				["~bs 'two flows share'", 2],
				["~bs pieces", 1],
			] as const)
				t.equal((await flowsOf(store, { filter: compileFilter(filter) })).length, count, filter);
			await store.close();
			t.ok(readFileSync(path).equals(readFileSync(golden(version, "tape"))), "without a byte changed");
		});

		await t.test("is replayed", async (t) => {
			const store = storeAt(path, "read");
			let answered = 0;
			for (const flow of expected) {
				// a response without its body is no answer
				if (flow.type !== "http" || (flow.response?.rawContent ?? null) === null) continue;
				const answers = store.findByKey(defaultRequestKey(flow), -1, 10).map((place) => store.answerAt(place));
				const answer = answers.find((each) => each?.id === flow.id);
				t.equal(answer?.response.statusCode, flow.response?.statusCode, flow.request.url);
				t.same(answer?.response.rawContent, flow.response?.rawContent);
				answered++;
			}
			t.ok(answered >= 6, `${answered} answers`);
			t.equal(store.countAnswers(), answered);
			await store.close();
		});

		await t.test("is brought to the newest by who writes to it", async (t) => {
			const fresh = join(t.testdir(), "fresh.tape");
			await storeWith(fresh, [httpFlow()], { mode: "append" });
			const reported: string[] = [];
			await storeWith(path, [httpFlow({ id: "added" })], { mode: "append", report: (code) => reported.push(code) });
			t.same(reported, version < SCHEMA_VERSION ? ["FT_UPGRADED"] : []);
			const db = new TapeDatabase(path, "read", false);
			t.equal(db.version(), SCHEMA_VERSION);
			t.same(db.get("PRAGMA integrity_check"), { integrity_check: "ok" });
			db.close();
			t.same(tablesOf(path), tablesOf(fresh));
			const { flows } = await readTape(path);
			t.same(flows.slice(0, -1).map(comparable), expected.map(comparable));
			t.equal(flows.at(-1)?.id, "added");
		});
	});
}

t.test("how flows ended that version 1 did not say it of", async (t) => {
	const path = join(t.testdir(), "old.tape");
	copyFileSync("fixtures/flows/tape-1-unfinished.tape", path);
	const expected = [
		["whole", "server"],
		["client", "client"],
		["cut", "cut"],
		["none", null],
	];
	const endsOf = async () =>
		(await readTape(path)).flows.map((flow) => [flow.id, flow.type === "http" ? flow.ended : undefined]);
	t.same(await endsOf(), expected);
	const store = storeAt(path, "read");
	const places = [1, 2, 3].map((place) => store.answerAt(place)?.ended);
	t.same(places, ["server", "client", "cut"]);
	await store.close();
	await storeWith(path, [], { mode: "append", report: () => {} });
	t.same(await endsOf(), expected, "also once it was brought up");
});
