// Sinks: defaults of optional members, and wrappers that forward every member.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { FlowSink, ForwardingSink } from "../../../src/flow/sink.ts";

t.test("defaults of sinks", async (t) => {
	const taken: string[] = [];
	const sink = FlowSink.of({ append: ({ id }) => void taken.push(id) });
	t.match(sink, { stored: null, leftOut: 0, copies: false, takesNotes: false });
	t.equal(sink.spool(), null);
	t.equal(sink.open(httpFlow()), null);
	sink.note("a", 1);
	await sink.append(httpFlow({ id: "one" }));
	await sink.close();
	await sink.discard();
	t.same(taken, ["one"]);
});

t.test("a wrapper forwards every member", async (t) => {
	const members = Object.getOwnPropertyNames(FlowSink.prototype);
	t.same(
		members.filter((name) => !Object.hasOwn(ForwardingSink.prototype, name)),
		[],
	);
	const reported: unknown[] = [];
	const entry = { addMessage() {}, close() {}, discard() {} };
	const spool = { write() {}, end: () => ({ size: 0, read: () => Buffer.alloc(0), chunks: () => [] }) };
	class Whole extends FlowSink {
		override get stored() {
			return 3;
		}

		override get leftOut() {
			return 2;
		}

		override get copies() {
			return true;
		}

		override get takesNotes() {
			return true;
		}

		append() {
			reported.push("append");
		}

		override note(name: string) {
			reported.push(name);
		}

		override async ready() {
			reported.push("ready");
		}

		override spool() {
			return spool;
		}

		override open() {
			return entry;
		}

		async close() {
			reported.push("close");
		}

		override async discard() {
			reported.push("discard");
		}
	}
	const sink = new ForwardingSink(new Whole());
	t.match(sink, { stored: 3, leftOut: 2, copies: true, takesNotes: true });
	t.equal(sink.spool(), spool);
	t.equal(sink.open(httpFlow()), entry);
	sink.note("a note", 1);
	await sink.ready();
	await sink.append(httpFlow());
	await sink.close();
	await sink.discard();
	t.same(reported, ["a note", "ready", "append", "close", "discard"]);
});
