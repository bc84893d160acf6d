// Flows are sent to another thread in batches and restored from its tape.
import { join } from "node:path";
import t from "tap";
import { httpFlow, websocketFlow } from "../../../../fixtures/build-flow.ts";
import { flowsOf, storeAt, storeWith } from "../../../../fixtures/stores.ts";
import { reports } from "../../../../fixtures/tape-files.ts";
import { comparable, variedFlows } from "../../../../fixtures/varied-flows.ts";
import type { Flow, HttpFlow } from "../../../../src/flow/flow.ts";
import { encodeMessages } from "../../../../src/store/record/messages.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";
import { RowReuse } from "../../../../src/store/sqlite/row-reuse.ts";
import { RowWriter } from "../../../../src/store/sqlite/row-writer.ts";
import {
	BATCH_BYTES,
	type RowBatch,
	RowBatchDecoder,
	RowBatchEncoder,
} from "../../../../src/store/sqlite-thread/row-batch.ts";

/** A tape that is written from batches, each cloned as between threads. */
function unpacking(path: string): { rows: RowWriter; bring(batch: RowBatch): ArrayBuffer; finish(): void } {
	const rows = new RowWriter(new TapeDatabase(path, "create", false), reports().report);
	const decoder = new RowBatchDecoder(rows);
	return {
		rows,
		bring(batch) {
			const brought = structuredClone(batch, { transfer: [batch.bytes] });
			decoder.write(brought);
			return brought.bytes;
		},
		finish() {
			rows.finish();
			void rows.close();
		},
	};
}

function pack(encoder: RowBatchEncoder, flow: Flow): void {
	encoder.addFlow(flow, flow.type === "http" ? flow.request.path : null);
	for (const [n, message] of encodeMessages(flow).entries()) encoder.addMessage(n, message);
}

t.test("flows of all kinds, in several batches whose buffers are reused", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const flows = [...variedFlows(), websocketFlow(), ...variedFlows()];
	const to = unpacking(path);
	const encoder = new RowBatchEncoder(null);
	let used: ArrayBuffer | undefined;
	for (const flow of flows) {
		pack(encoder, flow);
		used = to.bring(encoder.take(used));
	}
	to.finish();
	const store = storeAt(path, "read");
	t.same((await flowsOf(store)).map(comparable), flows.map(comparable));
	t.same(store.findByKey("/", -1, 1).length, 1);
	await store.close();
});

t.test("a batch is full by its bytes or its flows, and grows with a flow that is larger", async (t) => {
	const encoder = new RowBatchEncoder(null);
	const flow = httpFlow({ response: { body: Buffer.alloc(1000, "x") } });
	let flows = 0;
	for (; !encoder.isFull; flows++) pack(encoder, flow);
	t.ok(flows > 100 && flows <= 500, `${flows} flows`);
	encoder.take();
	t.notOk(encoder.isFull);
	const headers: [string, string][] = Array.from({ length: 30_000 }, (_, i) => [
		`x-header-${i}`,
		"a value of some length, again and again",
	]);
	pack(encoder, httpFlow({ response: { headers } }));
	t.ok(encoder.isFull);
	const { bytes } = encoder.take();
	t.ok(bytes.byteLength > BATCH_BYTES);
});

t.test("bodies sent before their flow, equal ones once", async (t) => {
	const path = join(t.testdir(), "large.tape");
	const to = unpacking(path);
	const encoder = new RowBatchEncoder(null);
	const sent: HttpFlow[] = [];
	for (const [text, n] of [
		["one", 1],
		["two", 2],
		["one", 3],
	] as const) {
		const body = Buffer.alloc(3_000_000, text);
		for (const at of [0, 1_000_000, 2_000_000]) {
			encoder.addPiece(body.subarray(at, at + 1_000_000));
			to.bring(encoder.take());
		}
		encoder.endBody(body);
		const flow = httpFlow({ id: String(n), request: { body }, response: { body } });
		pack(encoder, flow);
		sent.push(flow);
	}
	to.bring(encoder.take());
	to.finish();
	const store = storeAt(path, "read");
	const read = await flowsOf(store);
	t.same(read.map(comparable), sent.map(comparable));
	await store.close();
	const db = new TapeDatabase(path, "read", false);
	t.same(db.column("SELECT id FROM body"), [1, 2]);
	t.equal(db.get<{ n: number }>("SELECT sum(length(bytes)) AS n FROM chunk")?.n, 6_000_000);
	db.close();
});

t.test("reused bodies are not sent", async (t) => {
	const folder = t.testdir();
	const [from, path] = [join(folder, "from.tape"), join(folder, "to.tape")];
	await storeWith(from, [httpFlow({ response: { body: Buffer.alloc(5000, "reusable ") } })]);
	const source = storeAt(from, "read");
	const [flow] = (await flowsOf(source)) as [HttpFlow];
	const reuse = RowReuse.from(flow) as RowReuse;
	const encoder = new RowBatchEncoder(reuse);
	t.ok(encoder.isReused(flow.response?.body ?? null));
	t.notOk(encoder.isReused(Buffer.from("x")));
	pack(encoder, flow);
	pack(encoder, httpFlow({ id: "new" }));
	const batch = encoder.take();
	t.notOk(Buffer.from(batch.bytes).includes("reusable"));
	const to = unpacking(path);
	to.rows.reuseRows(reuse.reusable);
	to.bring(batch);
	to.finish();
	const store = storeAt(path, "read");
	t.match(await flowsOf(store), [{ id: flow.id }, { id: "new", clientConn: { peername: ["127.0.0.1"] } }]);
	t.same(comparable((await flowsOf(store))[0] as Flow), comparable(flow));
	await store.close();
	await source.close();
});

t.test("a flow that cannot be encoded leaves the batch intact", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const to = unpacking(path);
	const encoder = new RowBatchEncoder(null);
	const lost = {
		size: 10,
		read(): Buffer {
			throw new Error("lost");
		},
		chunks: () => [],
	};
	t.throws(
		() => pack(encoder, httpFlow({ request: { body: Buffer.from("first") }, response: { body: lost } })),
		/lost/,
	);
	const flow = httpFlow({ request: { body: Buffer.from("second") } });
	pack(encoder, flow);
	to.bring(encoder.take());
	to.finish();
	const store = storeAt(path, "read");
	t.same((await flowsOf(store)).map(comparable), [comparable(flow)]);
	await store.close();
});
