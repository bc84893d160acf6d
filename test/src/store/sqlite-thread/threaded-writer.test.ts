// A thread writes the same tape, with the same errors, as without it.
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { httpFlow, tcpFlow } from "../../../../fixtures/build-flow.ts";
import { flowsOf, storeAt, storeWith } from "../../../../fixtures/stores.ts";
import { comparable, variedFlows } from "../../../../fixtures/varied-flows.ts";
import type { Flow, HttpFlow } from "../../../../src/flow/flow.ts";
import { ThreadedWriter } from "../../../../src/store/sqlite-thread/threaded-writer.ts";

const byPath = (flow: HttpFlow) => flow.request.path;

/** The flows of a new tape after a thread has written them. */
async function written(path: string, flows: Iterable<Flow>): Promise<void> {
	await storeWith(path, []);
	const writer = new ThreadedWriter(path, byPath);
	for (const flow of flows) await writer.append(flow);
	await writer.close();
}

t.test("flows of all kinds, large bodies and long conversations", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const inPieces = {
		size: 2_500_000,
		read: () => Buffer.alloc(2_500_000, "p"),
		*chunks() {
			for (let n = 0; n < 25; n++) yield Buffer.alloc(100_000, "p");
		},
	};
	const flows = [
		...variedFlows(),
		httpFlow({ request: { body: inPieces }, response: { body: Buffer.alloc(5_000_000, "large ") } }),
		tcpFlow({ messages: Array.from({ length: 40 }, (_, n) => ({ content: Buffer.alloc(100_000, n) })) }),
		...Array.from({ length: 1500 }, (_, n) =>
			httpFlow({ request: { path: `/${n}` }, response: { body: `${n} `.repeat(500) } }),
		),
	];
	await written(path, flows);
	const store = storeAt(path, "read");
	const read = await flowsOf(store);
	t.same(read.map(comparable), flows.map(comparable));
	t.equal(store.findByKey("/1499", -1, 2).length, 1);
	await store.close();
});

t.test("from another tape", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "from.tape"), join(folder, "to.tape")];
	await storeWith(from, [...variedFlows(), httpFlow({ response: { body: Buffer.alloc(3_000_000, "large ") } })]);
	const source = storeAt(from, "read");
	const flows = await flowsOf(source);
	await written(to, flows);
	const copy = storeAt(to, "read");
	t.same((await flowsOf(copy)).map(comparable), flows.map(comparable));
	await copy.close();
	await source.close();
});

t.test("the other tape may be deleted after its last flow was read", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "from.tape"), join(folder, "to.tape")];
	await storeWith(from, [httpFlow({ response: { body: Buffer.alloc(3_000_000, "large ") } })]);
	const source = storeAt(from, "read");
	const [flow] = (await flowsOf(source)) as [Flow];
	await storeWith(to, []);
	const writer = new ThreadedWriter(to, byPath);
	await writer.append(flow);
	rmSync(from);
	await writer.close();
	const copy = storeAt(to, "read");
	t.same((await flowsOf(copy)).map(comparable), [comparable(flow)]);
	await copy.close();
	await source.close();
});

t.test("errors in the thread are thrown by the caller", async (t) => {
	const path = join(t.testdir(), "a.tape");
	writeFileSync(path, "no tape at all, but long enough to have a header of its own ".repeat(9));
	const writer = new ThreadedWriter(path, byPath);
	await writer.append(httpFlow());
	await t.rejects(writer.close(), { code: "FT_UNKNOWN_FORMAT", message: /not a tape/ });
	t.throws(() => writer.append(httpFlow()), { code: "FT_UNKNOWN_FORMAT" });
	await writer.discard();
});

t.test("no thread without flows; discard ends the thread", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const none = new ThreadedWriter(path, byPath);
	await none.close();
	await none.discard();
	t.notOk(existsSync(path));
	await storeWith(path, []);
	const writer = new ThreadedWriter(path, byPath);
	await writer.append(httpFlow());
	await writer.discard();
	t.equal(
		(await flowsOf(storeAt(path, "read"))).length,
		0,
		"nothing is left of the flow; what were left of the thread would keep this process",
	);
});
