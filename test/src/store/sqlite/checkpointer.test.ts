// The write-ahead log is checkpointed while flows are recorded, and the tape is closed afterwards.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { flowsOf, storeAt } from "../../../../fixtures/stores.ts";
import { WalCheckpointer } from "../../../../src/store/sqlite/checkpointer.ts";

const MiB = 1024 * 1024;

t.test("committed flows are in the file before the tape is closed", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const store = storeAt(path, "append");
	const begin = performance.now();
	let count = 0;
	while (statSync(path).size < 20 * MiB && performance.now() - begin < 30_000) {
		store.append(httpFlow({ response: { body: Buffer.alloc(5 * MiB, count++) } }));
		store.flush();
		await new Promise(setImmediate);
	}
	t.ok(statSync(path).size >= 20 * MiB);
	t.ok(count * 5 * MiB < 256 * MiB, "and its log has a limited size");
	await store.close();
	t.notOk(existsSync(`${path}-wal`));
	const reader = storeAt(path, "read");
	t.equal((await flowsOf(reader)).length, count);
	await reader.close();
});

t.test("a short recording has no thread", async (t) => {
	const checkpointer = new WalCheckpointer(join(t.testdir(), "a.tape"));
	checkpointer.committed(MiB);
	t.equal(checkpointer.close(), undefined);
});

t.test("recording continues if the thread cannot open the tape", async (t) => {
	const checkpointer = new WalCheckpointer(join(t.testdir(), "missing.tape"));
	checkpointer.committed(4 * MiB);
	checkpointer.committed(4 * MiB);
	await t.resolves(checkpointer.close() as Promise<void>);
});
