// Flows pass from sources through steps to a sink, with back-pressure and an abort signal.
import t from "tap";
import { clientConnection, serverConnection } from "../../../src/flow/connection.ts";
import { type Flow, TcpFlow } from "../../../src/flow/flow.ts";
import { pipe } from "../../../src/flow/pipe.ts";
import { FlowSink } from "../../../src/flow/sink.ts";
import { FlowSource, type ReadOptions } from "../../../src/flow/source.ts";

const flow = (id: string): Flow =>
	new TcpFlow({
		id,
		clientConn: clientConnection({ id: "c" }),
		serverConn: serverConnection({ id: "s" }),
		messages: [],
	});

function batches(...all: string[][]): FlowSource {
	return FlowSource.of(async function* () {
		for (const ids of all) yield ids.map(flow);
	});
}

function collector(wait = false) {
	const ids: string[] = [];
	const append = (flow: Flow) => void ids.push(flow.id);
	return Object.assign(FlowSink.of({ append: wait ? async (flow) => append(flow) : append }), { ids });
}

t.test("every flow of every source, in order, through the steps", async (t) => {
	const sink = collector(true);
	const renamed = (flow: Flow) => Object.assign(flow, { id: `${flow.id}!` });
	const counts = await pipe(
		[batches(["1", "2"], ["3"]), batches(["4"])],
		[async (flow) => (flow.id === "2" ? null : flow), renamed],
		sink,
	);
	t.same(sink.ids, ["1!", "3!", "4!"]);
	t.same(counts, { read: 4, passed: 3 });
});

t.test("an abort stops the pipe after the batch", async (t) => {
	const stop = new AbortController();
	const sink = collector();
	const seen: number[][] = [];
	const source = batches(["1"], ["2"], ["3"]);
	const counts = await pipe([source], [], sink, {
		signal: stop.signal,
		onBatch: (...count) => {
			seen.push(count);
			if (count[0] === 2) stop.abort();
		},
	});
	t.same(sink.ids, ["1", "2"]);
	t.same(seen, [
		[1, 1],
		[2, 2],
	]);
	t.same(counts, { read: 2, passed: 2 });
});

t.test("an abort stops the pipe before the next source, also if sources copy their flows themselves", async (t) => {
	const stop = new AbortController();
	class Copied extends FlowSource {
		read(): AsyncIterable<Flow[]> {
			throw new Error("not needed");
		}

		override async transfer(): Promise<number> {
			stop.abort();
			return 1;
		}
	}
	const counts = await pipe([new Copied(), new Copied()], [], collector(), { signal: stop.signal });
	t.same(counts, { read: 1, passed: 1 });
});

t.test("an abort stops the pipe even if the source never waits", async (t) => {
	const stop = new AbortController();
	async function* endless(): AsyncGenerator<Flow[]> {
		for (let i = 0; ; i++) yield [flow(String(i))];
	}
	setImmediate(() => stop.abort());
	const { read } = await pipe([FlowSource.of(endless)], [], FlowSink.of({ append() {} }), { signal: stop.signal });
	t.ok(read > 0);
});

t.test("the pipe rejects with the error of the sink", async (t) => {
	const sink = FlowSink.of({ append: () => Promise.reject(new Error("full")) });
	await t.rejects(pipe([batches(["1"])], [], sink), /full/);
});

t.test("a source transfers its flows to a sink of the same kind, unless there are steps", async (t) => {
	const sink = collector();
	const source = (count: number | null): FlowSource =>
		Object.assign(batches(["1"], ["2"]), { transfer: async (to: unknown) => (to === sink ? count : null) });
	const seen: number[][] = [];
	t.same(await pipe([source(7), batches(["3"])], [], sink, { onBatch: (...count) => void seen.push(count) }), {
		read: 8,
		passed: 8,
	});
	t.same(sink.ids, ["3"]);
	t.same(seen, [
		[7, 7],
		[8, 8],
	]);
	t.same(await pipe([source(null)], [], sink), { read: 2, passed: 2 }, "otherwise they pass one by one");
	t.same(await pipe([source(7)], [(flow) => flow], sink), { read: 2, passed: 2 });
	t.same(sink.ids, ["3", "1", "2", "1", "2"]);
});

t.test("buffers are reused if nothing keeps the flows", async (t) => {
	const asked: unknown[] = [];
	class Source extends FlowSource {
		async *read({ reuseBuffers }: ReadOptions = {}) {
			asked.push(reuseBuffers);
			yield [flow("1")];
		}
	}
	class Copying extends FlowSink {
		override get copies() {
			return true;
		}

		append() {}

		async close() {}
	}
	await pipe([new Source()], [], new Copying());
	await pipe([new Source()], [], FlowSink.of({ append() {} }));
	await pipe([new Source()], [(each) => each], new Copying());
	t.same(asked, [true, false, false], "neither where the sink keeps them nor where steps may");
});
