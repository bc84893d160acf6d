// The writer thread returns buffers, reports failures, and closes the tape on command.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { flowsOf, storeAt, storeWith } from "../../../../fixtures/stores.ts";
import type { HttpFlow } from "../../../../src/flow/flow.ts";
import { RowReuse } from "../../../../src/store/sqlite/row-reuse.ts";
import { type RowBatch, RowBatchEncoder } from "../../../../src/store/sqlite-thread/row-batch.ts";
import {
	serveWriter,
	type WriterCommand,
	type WriterReply,
	type WriterTask,
} from "../../../../src/store/sqlite-thread/writer-thread.ts";

/** Serves a writer in this thread. */
function served(task: WriterTask): { tell(order: WriterCommand): void; answers: AsyncGenerator<WriterReply> } {
	const { port1, port2 } = new MessageChannel();
	const heard: WriterReply[] = [];
	let wake = (): void => {};
	port1.on("message", (answer: WriterReply) => {
		heard.push(answer);
		wake();
	});
	serveWriter(port2, task);
	async function* answers(): AsyncGenerator<WriterReply> {
		for (;;) {
			while (heard.length === 0) await new Promise<void>((resolve) => (wake = resolve));
			yield heard.shift() as WriterReply;
		}
	}
	return {
		tell: (order) => port1.postMessage(order, typeof order === "object" ? [order.bytes] : []),
		answers: answers(),
	};
}

function batchOf(encoder: RowBatchEncoder, ...ids: string[]): RowBatch {
	for (const id of ids) encoder.addFlow(httpFlow({ id }), null);
	return encoder.take();
}

t.test("batches are written, and their buffers are returned", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await storeWith(path, []);
	const { tell, answers } = served({ path, reusable: null });
	const encoder = new RowBatchEncoder(null);
	tell(batchOf(encoder, "1", "2"));
	tell(batchOf(encoder, "3"));
	tell("close");
	t.equal((await answers.next()).value, "begun");
	const { value } = await answers.next();
	t.ok(typeof value === "object" && "bytes" in value && value.bytes.byteLength > 0);
	await answers.next();
	t.equal((await answers.next()).value, "ended");
	const store = storeAt(path, "read");
	t.same(
		(await flowsOf(store)).map(({ id }) => id),
		["1", "2", "3"],
	);
	await store.close();
});

t.test("rows of another tape are reused", async (t) => {
	const folder = t.testdir();
	const [from, path] = [join(folder, "from.tape"), join(folder, "a.tape")];
	await storeWith(from, [httpFlow({ response: { body: "x".repeat(900) } })]);
	await storeWith(path, []);
	const source = storeAt(from, "read");
	const [flow] = (await flowsOf(source)) as [HttpFlow];
	const reuse = RowReuse.from(flow) as RowReuse;
	const { tell, answers } = served({ path, reusable: reuse.reusable });
	const encoder = new RowBatchEncoder(reuse);
	encoder.addFlow(flow, null);
	tell(encoder.take());
	tell("close");
	t.equal((await answers.next()).value, "begun");
	await answers.next();
	t.equal((await answers.next()).value, "ended");
	const store = storeAt(path, "read");
	t.equal(((await flowsOf(store)) as HttpFlow[])[0]?.response?.bodySize, 900);
	await store.close();
	await source.close();
});

t.test("a failure is reported, and nothing is written after it", async (t) => {
	const path = join(t.testdir(), "a.tape");
	writeFileSync(path, "no tape at all, but long enough to have a header of its own ".repeat(9));
	const { tell, answers } = served({ path, reusable: null });
	t.match((await answers.next()).value, { failure: { code: "FT_UNKNOWN_FORMAT", message: /not a tape/ } });
	tell(batchOf(new RowBatchEncoder(null), "lost"));
	t.ok("bytes" in (await answers.next()).value, "its buffer is returned too");
	tell("close");
	t.equal((await answers.next()).value, "ended");
});
