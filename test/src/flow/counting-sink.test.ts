// Flows that an output stored or lost are counted.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { CountingSink } from "../../../src/flow/counting-sink.ts";
import type { Flow } from "../../../src/flow/flow.ts";
import { FlowSink } from "../../../src/flow/sink.ts";

const spool = { write() {}, end: () => ({ size: 0, read: () => Buffer.alloc(0), chunks: () => [] }) };
const options = { isKept: () => true, isOpenable: true, openSpool: () => spool };

t.test("an output that counts its stored flows may lose more of them than it rejected", async (t) => {
	let stored = 0;
	class Output extends FlowSink {
		override get stored() {
			return stored;
		}

		append(flow: Flow) {
			if (flow.id === "full") throw new Error("disk full");
		}

		async close() {
			stored = 1;
		}
	}
	const sink = new CountingSink(new Output(), options);
	for (const id of ["a", "b", "c"]) void sink.append(httpFlow({ id }));
	t.throws(() => sink.append(httpFlow({ id: "full" })), { message: "disk full" });
	await sink.close();
	t.same([sink.stored, sink.lost], [1, 3]);
});

t.test("flows that the output left out are neither stored nor lost", async (t) => {
	class Output extends FlowSink {
		override get stored() {
			return 2;
		}

		override get leftOut() {
			return 1;
		}

		append() {}

		async close() {}
	}
	const sink = new CountingSink(new Output(), options);
	for (const id of ["a", "b"]) void sink.append(httpFlow({ id }));
	await sink.close();
	t.same([sink.stored, sink.lost], [1, 0]);
});

t.test("with other outputs, flows rejected at once or later count as lost", async (t) => {
	const fails: Record<string, () => Promise<void>> = {
		late: () => Promise.reject(new Error("late")),
		now: () => {
			throw new Error("now");
		},
	};
	const sink = new CountingSink(FlowSink.of({ append: (flow) => fails[flow.id]?.() }), options);
	t.equal(sink.append(httpFlow({ id: "fine" })), undefined);
	t.throws(() => sink.append(httpFlow({ id: "now" })), { message: "now" });
	await t.rejects(Promise.resolve(sink.append(httpFlow({ id: "late" }))), { message: "late" });
	t.same([sink.stored, sink.lost], [1, 2]);
	t.equal(sink.open(httpFlow()), null, "it takes no flow whose messages are still to come");
	t.equal(sink.spool(), spool);
});

t.test("flows that are not kept do not count, even if that is decided at their end", async (t) => {
	const reported: string[] = [];
	const entry = {
		addMessage: () => {},
		close: () => reported.push("closed"),
		discard: () => reported.push("discarded"),
	};
	const output = FlowSink.of({ append: () => void reported.push("appended"), open: () => entry });
	const sink = new CountingSink(output, { ...options, isKept: ({ id }) => id === "kept" });
	for (const id of ["kept", "other"]) {
		void sink.append(httpFlow({ id }));
		sink.open(httpFlow({ id }))?.close();
	}
	t.same(reported, ["appended", "closed", "discarded"]);
	t.same([sink.stored, sink.lost], [2, 0]);
	const unopenable = new CountingSink(output, { ...options, isOpenable: false });
	t.equal(unopenable.open(httpFlow()), null);
});
