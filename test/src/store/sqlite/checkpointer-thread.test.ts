// The thread runs checkpoints on command while another connection writes, and then closes the tape.
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { storeAt } from "../../../../fixtures/stores.ts";

t.test("checkpoint and close", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const store = storeAt(path, "append");
	store.append(httpFlow({ response: { body: Buffer.alloc(1_000_000, "x") } }));
	store.flush();
	t.ok(statSync(path).size < 1_000_000);
	const thread = new Worker(new URL("../../../../src/store/sqlite/checkpointer-thread.js", import.meta.url), {
		workerData: path,
	});
	thread.postMessage("checkpoint");
	t.same(await once(thread, "message"), ["done"]);
	t.ok(statSync(path).size > 1_000_000);
	thread.postMessage("close");
	await once(thread, "exit");
	await store.close();
	t.notOk(existsSync(`${path}-wal`), "it is not open elsewhere");
});
