// Statements, and tapes that are damaged, inaccessible or in use: each has its own error, and no data is lost.
import { spawnSync } from "node:child_process";
import {
	appendFileSync,
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmdirSync,
	rmSync,
	statSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { flowsOf, storeAt, storeWith } from "../../../../fixtures/stores.ts";
import { comparable, variedFlows } from "../../../../fixtures/varied-flows.ts";
import { FlowtapeError } from "../../../../src/errors.ts";
import type { HttpFlow } from "../../../../src/flow/flow.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";

const module = (name: string) => JSON.stringify(new URL(`../../../../${name}`, import.meta.url).href);

/** Runs a script with `openStore`, `httpFlow` and `path` in another process. Returns its output. */
function inProcess(path: string, script: string, { shell = "", uid }: { shell?: string; uid?: number } = {}): string {
	const code = `const { openStore } = await import(${module("src/store/sqlite/store.js")}); const { httpFlow } = await import(${module("fixtures/build-flow.js")});
		const path = ${JSON.stringify(path)}; const report = (code, message) => console.log("reported", code, message);
		const tried = async (action) => { try { return await action(); } catch (error) { return error.code + " " + error.message; } };
		${script}`;
	const node = [process.execPath, "--input-type=module", "-e", code];
	const [program = "", ...args] = shell === "" ? node : ["sh", "-c", `${shell}; exec "$@"`, "sh", ...node];
	const { stdout, stderr, status } = spawnSync(program, args, {
		encoding: "utf8",
		...(uid !== undefined && { uid, gid: uid }),
	});
	if (status !== 0) throw new Error(`exit status ${status}: ${stderr}`);
	return stdout.trim();
}

t.test("flipped and missing bytes cause only FlowtapeErrors and no endless loop", async (t) => {
	const folder = t.testdir();
	const whole = join(folder, "whole.tape");
	await storeWith(whole, [
		...variedFlows().filter((flow) => flow.type !== "http" || (flow.response?.bodySize ?? 0) < 100_000),
		httpFlow({ metadata: { a: [1] } }),
	]);
	const bytes = readFileSync(whole);
	const path = join(folder, "broken.tape");
	const outcomes = { read: 0, refused: 0 };
	const tried = async (run: () => Promise<void>) => {
		try {
			await run();
			outcomes.read++;
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			outcomes.refused++;
		}
	};
	let seed = 42;
	const random = (below: number) => {
		seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
		return seed % below;
	};
	for (let round = 0; round < 400; round++) {
		const broken = Buffer.from(bytes);
		for (let i = 0; i <= round % 8; i++) broken[random(broken.length)] = random(256);
		writeFileSync(path, round % 10 === 9 ? broken.subarray(0, random(broken.length)) : broken);
		await tried(async () => {
			const store = storeAt(path, "read", { report: () => {} });
			try {
				for (const flow of await flowsOf(store)) comparable(flow);
				store.findByKey("x", -1, 10);
			} finally {
				await store.close();
			}
		});
	}
	t.equal(outcomes.read + outcomes.refused, 400);
	t.ok(outcomes.read > 10 && outcomes.refused > 10, "some are read, some refused", { outcomes });
});

t.test("a tape that shrinks while it is read causes an error and does not kill the process", async (t) => {
	const path = join(t.testdir(), "shrinks.tape");
	await storeWith(
		path,
		Array.from({ length: 2000 }, (_, i) => httpFlow({ response: { body: Buffer.alloc(3000, i) } })),
	);
	const store = storeAt(path, "read");
	await store.count();
	truncateSync(path, 50_000);
	await t.rejects(
		(async () => {
			for (const flow of await flowsOf(store)) comparable(flow);
		})(),
		FlowtapeError,
	);
	await store.close();
});

const BODIES = `const flow = (i) => httpFlow({ id: String(i), response: { body: Buffer.alloc(20000, i) } });`;
const FILL = `${BODIES}
	const store = openStore(path, { mode: "append", report });
	for (let i = 0; i < 5; i++) store.append(flow(i));
	store.flush();
	const said = await tried(() => { for (let i = 5; i < 5000; i++) { store.append(flow(i)); if (i % 50 === 0) store.flush(); } });
	console.log(said);
	console.log(await tried(() => store.close()) ?? "closed");`;

t.test("a full disk", async (t) => {
	const check = async (t: Test, path: string, said: string) => {
		t.match(said, /^FT_IO .*(disk is full|disk may be full)/m);
		const store = storeAt(path, "read");
		const ids = (await flowsOf(store)).map(({ id }) => Number(id));
		t.ok(ids.length >= 5, "what was committed is there");
		t.same(
			ids,
			Array.from(ids, (_, i) => i),
		);
		await store.close();
	};
	await t.test("by a limit on the file size", async (t) => {
		const path = join(t.testdir(), "limited.tape");
		// in blocks of 512 bytes
		await check(t, path, inProcess(path, FILL, { shell: "ulimit -f 4000" }));
	});
	// not in the test's folder, which could not be removed if this process were killed
	const mount = mkdtempSync(join(tmpdir(), "flowtape-full-"));
	const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", mount]).status === 0;
	await t.test(
		"by the size of the disk",
		{ skip: mounted ? false : "file systems cannot be mounted here" },
		async (t) => {
			try {
				const path = join(mount, "full.tape");
				await check(t, path, inProcess(path, FILL));
				t.throws(() => storeAt(join(mount, "new.tape"), "append"), { code: "FT_IO", message: /disk is full/ });
				for (const name of readdirSync(mount)) rmSync(join(mount, name));
				await recovers(t, mount);
			} finally {
				spawnSync("umount", [mount]);
			}
		},
	);
	rmdirSync(mount);
});

/** Recording continues once there is space again, and no flow refers to a body that was lost. */
async function recovers(t: Test, folder: string): Promise<void> {
	const path = join(folder, "again.tape");
	const withBody = (id: string, fill: number) => httpFlow({ id, response: { body: Buffer.alloc(100_000, fill) } });
	const store = storeAt(path, "append");
	store.append(withBody("first", 1));
	store.flush();
	const filler = join(folder, "filler");
	t.throws(() => {
		for (;;) appendFileSync(filler, Buffer.alloc(4096));
	});
	const given: string[] = [];
	t.throws(
		() => {
			for (let i = 2; ; i++) {
				store.append(withBody(`lost ${i}`, i));
				store.flush();
				given.push(`lost ${i}`);
			}
		},
		{ code: "FT_IO" },
	);
	rmSync(filler);
	for (let i = 2; i < 9; i++) store.append(withBody(`again ${i}`, i));
	await store.close();
	t.equal(store.stored, 1 + given.length + 7, "the number of stored flows is correct");
	const reader = storeAt(path, "read");
	const flows = (await flowsOf(reader)) as HttpFlow[];
	t.same(
		flows.map(({ id }) => id),
		["first", ...given, ...[2, 3, 4, 5, 6, 7, 8].map((i) => `again ${i}`)],
	);
	for (const flow of flows)
		t.ok(flow.response?.rawContent?.equals(Buffer.alloc(100_000, Number(/\d/.exec(flow.id)?.[0] ?? 1))), flow.id);
	await reader.close();
}

/** Permissions do not apply to root, but to the user `nobody`. */
const uid = process.getuid?.() === 0 ? 65_534 : undefined;

/** Whether the user `nobody` can read these files. */
function canRead(...paths: readonly string[]): boolean {
	const script = "for (const path of process.argv.slice(1)) require('fs').readFileSync(path)";
	return uid === undefined || spawnSync(process.execPath, ["-e", script, ...paths], { uid, gid: uid }).status === 0;
}

t.test(
	"a folder that cannot be written to",
	{ skip: process.platform === "win32" && "folders have no such modes there" },
	async (t) => {
		const folder = t.testdir();
		mkdirSync(join(folder, "locked"));
		const path = join(folder, "locked", "a.tape");
		await storeWith(path, [httpFlow({ id: "there" })]);
		chmodSync(path, 0o444);
		chmodSync(join(folder, "locked"), 0o555);
		if (!canRead(path, fileURLToPath(import.meta.url)))
			return void t.pass("the tape can still be read", { skip: "nobody but root can read the project here" });
		const script = `
		const read = openStore(path, { mode: "read", report });
		console.log(String(await read.count()));
		await read.close();
		console.log(await tried(() => openStore(path, { mode: "append", report })));
		console.log(await tried(() => openStore(path.replace("a.tape", "new.tape"), { mode: "append", report })));`;
		const [count, ...errors] = inProcess(path, script, uid === undefined ? {} : { uid }).split("\n");
		t.equal(count, "1", "the tape can still be read");
		for (const error of errors) t.match(error, /^FT_IO .*(read-only|is writable)/);
		t.same(readdirSync(join(folder, "locked")), ["a.tape"]);
		chmodSync(join(folder, "locked"), 0o755);
	},
);

t.test("statements, transactions, and errors in the middle of rows", async (t) => {
	const db = new TapeDatabase(join(t.testdir(), "a.tape"), "append", true);
	t.equal(db.insert("INSERT INTO connection (bytes) VALUES (?)", Buffer.from("a")), 1);
	db.exec("BEGIN IMMEDIATE");
	db.insert("INSERT INTO connection (bytes) VALUES (?)", Buffer.from("b"));
	t.ok(db.inTransaction);
	db.rollback();
	db.rollback();
	t.notOk(db.inTransaction);
	t.same([...db.iterate<{ id: number }>("SELECT id FROM connection")], [{ id: 1 }]);
	t.throws(() => [...db.iterate("SELECT no FROM connection")], { code: "FT_STORE" });
	t.throws(() => db.exec("nonsense"), { code: "FT_STORE" });
	t.throws(() => db.insert("INSERT INTO connection VALUES (1, 'text')"), { code: "FT_STORE" });
	t.throws(() => db.get("SELECT"), { code: "FT_STORE" });
	t.same(db.get("PRAGMA synchronous"), { synchronous: 2 }, "durable: every commit reaches the disk");
	db.close();
});

t.test("a SQL function can be called, and its error ends the statement", async (t) => {
	const db = new TapeDatabase(join(t.testdir(), "a.tape"), "create", false);
	db.define("half", (n: number) => {
		if (n % 2 === 1) throw new FlowtapeError("FT_STORE", `${n} is odd`);
		return n / 2;
	});
	t.same(db.get("SELECT half(4) AS n"), { n: 2 });
	t.throws(() => db.run("INSERT INTO connection SELECT half(3), x''"), { code: "FT_STORE", message: "3 is odd" });
	t.throws(() => db.exec("CREATE VIEW halves AS SELECT half(4); SELECT * FROM halves"), {
		code: "FT_STORE",
		message: /unsafe use of half/,
	});
	db.close();
});

/** The number of locks that processes hold on a file, if the system tells. */
function locksOf(path: string): number | null {
	if (!existsSync("/proc/locks")) return null;
	return readFileSync("/proc/locks", "utf8").split(`:${statSync(path).ino} `).length - 1;
}

t.test("reading a tape that this process records does not release its locks", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const recording = storeAt(path, "append");
	recording.append(httpFlow({ id: "first" }));
	recording.flush();
	const before = locksOf(path);
	for (let n = 0; n < 2; n++) {
		const reading = storeAt(path, "read");
		t.equal((await flowsOf(reading)).length, 1);
		await reading.close();
	}
	t.equal(locksOf(path), before);
	inProcess(
		path,
		'const other = openStore(path, { mode: "append", report }); other.append(httpFlow({ id: "second" })); await other.close();',
	);
	t.ok(existsSync(`${path}-wal`), "the other process leaves the log, because it is in use");
	recording.append(httpFlow({ id: "third" }));
	await recording.close();
	const store = storeAt(path, "read");
	t.same(
		(await flowsOf(store)).map(({ id }) => id),
		["first", "second", "third"],
	);
	await store.close();
});
