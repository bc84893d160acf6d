// What the connections of a proxy share: the way to the tape, and the work under way.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { gate } from "../../../fixtures/gate.ts";
import type { FlowSink } from "../../../src/flow/pipe.ts";
import { Pipeline } from "../../../src/hooks/pipeline.ts";
import { defaults } from "../../../src/options.ts";
import { BodyPolicy, options as bodyOptions } from "../../../src/proxy/body-policy.ts";
import { ProxyContext, type ProxyEvent } from "../../../src/proxy/context.ts";

function contextOf(append: FlowSink["append"]): { context: ProxyContext; events: ProxyEvent[] } {
	const events: ProxyEvent[] = [];
	const sink = { append, close: async () => {} };
	const context = new ProxyContext({
		pipeline: new Pipeline([]),
		sink,
		pool: null,
		onEvent: (event) => events.push(event),
		bodies: new BodyPolicy(defaults(bodyOptions)),
		lenient: false,
		timeoutMs: 0,
	});
	return { context, events };
}

t.test("a flow goes to the sink, and is told of", async (t) => {
	const taken: unknown[] = [];
	const { context, events } = contextOf((flow) => void taken.push(flow));
	const flow = httpFlow();
	t.equal(context.record(flow), undefined, "nothing to wait for");
	t.strictSame(taken, [flow]);
	t.match(events, [{ kind: "flow", flow }]);
});

t.test("a sink that needs time is waited for", async (t) => {
	const taken = gate();
	const { context } = contextOf(() => taken.opened);
	let isSettled = false;
	const wait = context.record(httpFlow());
	const settled = context.settled().then(() => {
		isSettled = true;
	});
	await new Promise(setImmediate);
	t.equal(isSettled, false);
	taken.open();
	await Promise.all([wait, settled]);
	t.equal(isSettled, true);
	await context.settled();
});

t.test("a sink that fails, at once or later, is told of and stops nothing", async (t) => {
	for (const append of [
		() => {
			throw new Error("disk full");
		},
		async () => {
			throw new Error("disk full");
		},
	]) {
		const { context, events } = contextOf(append);
		await context.record(httpFlow());
		t.match(events.at(-1), { kind: "sink_error", error: { message: "disk full" } });
		await context.settled();
	}
});

t.test("work that begins while other work ends is waited for as well", async (t) => {
	const { context } = contextOf(() => {});
	let done = 0;
	const work = async (left: number): Promise<void> => {
		await new Promise(setImmediate);
		if (left > 0) context.track(work(left - 1));
		done++;
	};
	context.track(work(3));
	await context.settled();
	t.equal(done, 4);
});
