// Counts and prints the changes of `rewrite`.
import t from "tap";
import { Tally } from "../../../commands/rewrite/tally.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { captureIo } from "../../../fixtures/run-captured.ts";
import type { Flow } from "../../../src/flow/flow.ts";
import type { Step } from "../../../src/flow/pipe.ts";
import { FlowSink } from "../../../src/flow/sink.ts";

function tally(options: { shows?: boolean; details?: boolean; quiet?: boolean; hasScripts?: boolean } = {}) {
	const { io, captured } = captureIo();
	return { tally: new Tally(io, { shows: false, quiet: false, color: false, ...options }), captured };
}

async function through(steps: Step[], flow: Flow): Promise<Flow | null> {
	let result: Flow | null = flow;
	for (const step of steps) result = result === null ? null : await step(result);
	return result;
}

t.test("counts changed and dropped flows, and applications of each rule", async (t) => {
	const { tally: counting, captured } = tally();
	const steps = counting.observe([
		(flow) => {
			if (flow.comment !== "drop") flow.comment = "x";
			counting.onChange(flow.comment === "drop" ? "/drop/444" : "/a/b");
			return flow.comment === "drop" ? null : flow;
		},
	]);
	t.ok(await through(steps, httpFlow()));
	t.equal(await through(steps, httpFlow({ comment: "drop" })), null);
	counting.end(1, true);
	t.match(captured.err, /1 {2}\/a\/b\n[\s\S]*1 {2}\/drop\/444\nkept 1 flows, change 1, drop 1\n/);
});

t.test("prints nothing by default", async (t) => {
	const { tally: silent, captured } = tally({ quiet: true });
	silent.log("warning", "unheard");
	silent.end(3, true);
	t.same(captured, { status: -1, out: "", err: "" });
});

t.test("after many similar messages, the rest are counted", async (t) => {
	const { tally: talkative, captured } = tally();
	for (let i = 0; i < 25; i++) talkative.log("warning", `line ${i}`);
	talkative.end(0, false);
	t.match(captured.err, /line 19\n.*5 more of this kind/);
	t.notMatch(captured.err, "line 20");
});

const adding = (word: string): Step[] => [
	(flow) => {
		flow.comment += word;
		return flow;
	},
];

t.test("a dry run prints each change, and applies the rules a second time", async (t) => {
	const { tally: showing, captured } = tally({ shows: true, details: true });
	await through(showing.observe(adding("more")), httpFlow({ id: "one" }));
	await through(showing.observe([]), httpFlow({ id: "two" }));
	showing.end(1, false);
	t.match(captured.out, /^--- one\n@@\n-.*\n\+.*# more\n/);
	t.notMatch(captured.out, "two");
	t.match(captured.err, "would change 1 of the 1 flows tried");
});

t.test("without details, a dry run counts, and applies the rules again to the first flows", async (t) => {
	const { tally: counting, captured } = tally({ shows: true });
	const steps = counting.observe([
		(flow) => {
			if (flow.comment === "drop") return null;
			flow.comment += "x";
			counting.onChange("/x/");
			return flow;
		},
	]);
	for (let i = 0; i < 102; i++) await through(steps, httpFlow());
	await through(steps, httpFlow({ comment: "drop" }));
	counting.end(102, false);
	t.equal(captured.out, "     102  /x/\n102 of 103 flows would change, 1 would be dropped\n");
	t.match(captured.err, "would change 100 of the 100 flows tried");
});

t.test("a quiet dry run only counts: flows are not formatted, and rules are not applied again", async (t) => {
	for (const hasScripts of [false, true]) {
		const { tally: counting, captured } = tally({ shows: true, quiet: true, hasScripts });
		let runs = 0;
		const steps = counting.observe([
			(flow) => {
				runs++;
				if (flow.id !== "one") return flow;
				flow.comment += "x";
				if (!hasScripts) counting.onChange("/a/b");
				return flow;
			},
		]);
		for (const id of ["one", "two"]) await through(steps, httpFlow({ id }));
		counting.end(2, false);
		t.equal(runs, 2);
		t.match(captured.out, /1 of 2 flows would change, 0 would be dropped\n$/);
		t.equal(captured.err, "");
	}
});

t.test("when writing, rules are applied again to the first flows after they are written", async (t) => {
	const { tally: checking, captured } = tally();
	const written: string[] = [];
	const steps = adding("x");
	const sink = checking.withRepeatCheck(FlowSink.of({ append: (flow) => void written.push(flow.comment) }), steps);
	for (const flow of [httpFlow(), httpFlow()]) {
		const changed = await through(
			checking.observe([
				...steps,
				(flow) => {
					checking.onChange("/x/");
					return flow;
				},
			]),
			flow,
		);
		if (changed !== null) await sink.append(changed);
	}
	await sink.close();
	checking.end(2, false);
	t.same(written, ["x", "x"]);
	t.match(captured.err, "would change 2 of the 2 flows tried");
	t.equal(checking.withRepeatCheck(checking.nullSink, []), checking.nullSink, "without rules there is no second run");
});

t.test("a wrapped sink keeps its other members", async (t) => {
	const { tally: checking } = tally();
	class Tape extends FlowSink {
		notes: string[] = [];

		override get stored() {
			return 2;
		}

		override get copies() {
			return true;
		}

		override get takesNotes() {
			return true;
		}

		override note(name: string) {
			this.notes.push(name);
		}

		append() {}

		async close() {}
	}
	const tape = new Tape();
	const sink = checking.withRepeatCheck(tape, adding("x"));
	t.not(sink, tape);
	sink.note("by", "somebody");
	t.same(tape.notes, ["by"]);
	t.match(sink, { stored: 2, copies: true, takesNotes: true });
});
