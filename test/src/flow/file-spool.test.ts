// Spools in temporary files: they are read back, and neither names nor open files are left.
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import t from "tap";
import { ownTemporaryFolder } from "../../../fixtures/own-temporary-folder.ts";
import { openFileSpool, spoolStream } from "../../../src/flow/file-spool.ts";
import { exposeCollect, tuneProcess } from "../../../src/process-tuning.ts";

t.test("reads back whole and in pieces, and leaves no file", async (t) => {
	const left = ownTemporaryFolder(t);
	const spool = openFileSpool();
	const parts = [Buffer.alloc(3_000_000, "a"), Buffer.from("b"), Buffer.alloc(0), Buffer.alloc(1_500_000, "c")];
	for (const part of parts) spool.write(part);
	const body = spool.end();
	const whole = Buffer.concat(parts);
	t.equal(body.size, whole.length);
	t.ok(body.read().equals(whole));
	const pieces = [...body.chunks()];
	t.ok(pieces.length > 1 && Buffer.concat(pieces).equals(whole));
	t.ok(body.read().equals(whole), "any number of times");
	t.same(left(), []);
});

t.test("reads from any position", async (t) => {
	const whole = Buffer.from(Array.from({ length: 5000 }, (_, n) => n % 251));
	const body = await spoolStream(
		(async function* () {
			yield whole.subarray(0, 1000);
			yield whole.subarray(1000);
		})(),
	);
	for (const [at, length] of [
		[0, 10],
		[15, 2],
		[16, 16],
		[4097, 500],
		[4990, 100],
		[6000, 1],
	] as const) {
		const target = Buffer.alloc(length);
		const read = body.readAt(target, at);
		t.ok(target.subarray(0, read).equals(whole.subarray(at, at + length)), `${at} ${length}`);
	}
	body.close();
});

t.test("a stream that fails leaves no open file", async (t) => {
	const broken = async function* () {
		yield Buffer.from("x");
		throw new Error("broken");
	};
	await t.rejects(spoolStream(broken()), /broken/);
});

t.test(
	"files that nothing refers to are closed, with and without an end",
	{ skip: process.platform === "linux" ? false : "open files can be listed only on Linux" },
	async () => {
		const openFiles = () => readdirSync("/proc/self/fd").length;
		tuneProcess();
		const collect = exposeCollect();
		const before = openFiles();
		for (let i = 0; i < 20; i++) {
			const spool = openFileSpool();
			spool.write(Buffer.from("x"));
			if (i % 2 === 0) spool.end();
		}
		// the test fails by its time limit if they stay open
		while (openFiles() >= before + 10) {
			collect?.();
			await new Promise((resolve) => setImmediate(resolve));
		}
	},
);

t.test("an empty one", async (t) => {
	const body = openFileSpool().end();
	t.same([body.size, body.read().length, [...body.chunks()]], [0, 0, []]);
});

t.test(
	"the file is encrypted",
	{ skip: process.platform === "linux" ? false : "only Linux lets a process read its nameless files" },
	async (t) => {
		const spool = openFileSpool();
		spool.write(Buffer.from("a secret".repeat(1000)));
		const body = spool.end();
		const isOurs = (name: string) => {
			try {
				const path = `/proc/self/fd/${name}`;
				return readlinkSync(path).includes("flowtape-body") && statSync(path).size === body.size;
			} catch {
				return false;
			}
		};
		const file = readdirSync("/proc/self/fd").find(isOurs);
		const stored = readFileSync(`/proc/self/fd/${file}`);
		t.equal(stored.length, body.size);
		t.notOk(stored.includes("secret"));
		t.equal(String(body.read()), "a secret".repeat(1000));
	},
);
