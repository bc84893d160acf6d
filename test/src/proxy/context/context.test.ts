// The context of connections: writing to the sink, and pending work.
import t from "tap";
import { httpFlow, httpRequest, tcpFlow, websocketFlow } from "../../../../fixtures/build-flow.ts";
import { gate } from "../../../../fixtures/gate.ts";
import { bodyBytes } from "../../../../src/flow/body.ts";
import { clientConnection } from "../../../../src/flow/connection.ts";
import { openFileSpool } from "../../../../src/flow/file-spool.ts";
import type { StreamMessage } from "../../../../src/flow/flow.ts";
import { FlowSink, type SinkFunctions } from "../../../../src/flow/sink.ts";
import type { Hook } from "../../../../src/hooks/hook.ts";
import { Pipeline } from "../../../../src/hooks/pipeline.ts";
import { defaults } from "../../../../src/options.ts";
import { BodyPolicy, options as bodyOptions } from "../../../../src/proxy/body/policy.ts";
import { ProxyContext, type ProxyEvent } from "../../../../src/proxy/context/context.ts";

function contextOf(
	sink: Partial<SinkFunctions> | SinkFunctions["append"],
	hooks: readonly Hook[] = [],
): { context: ProxyContext; events: ProxyEvent[] } {
	const events: ProxyEvent[] = [];
	const whole = FlowSink.of({ append: () => {}, ...(typeof sink === "function" ? { append: sink } : sink) });
	const context = new ProxyContext({
		pipeline: new Pipeline(hooks),
		sink: whole,
		pool: null,
		onEvent: (event) => events.push(event),
		bodies: new BodyPolicy(defaults(bodyOptions)),
		lenient: false,
		timeoutMs: 0,
	});
	return { context, events };
}

t.test("a flow goes to the sink, and is reported", async (t) => {
	const taken: unknown[] = [];
	const { context, events } = contextOf((flow) => void taken.push(flow));
	const flow = httpFlow();
	t.equal(context.record(flow), undefined, "nothing to wait for");
	t.strictSame(taken, [flow]);
	t.match(events, [{ kind: "flow", flow }]);
});

t.test("a slow sink", async (t) => {
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

t.test("a sink that fails, synchronously or later, is reported; the traffic continues", async (t) => {
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

t.test("large flows are written one by one, small ones do not wait", async (t) => {
	const [written, order] = [gate(), [] as string[]];
	const { context } = contextOf((flow) => {
		order.push(flow.id);
		return flow.id === "large" ? written.opened : undefined;
	});
	const large = { response: { body: Buffer.alloc(2 * 1024 * 1024) } };
	const waits = [
		context.record(httpFlow({ id: "large", ...large })),
		context.record(httpFlow({ id: "larger", ...large })),
	];
	t.equal(context.record(httpFlow({ id: "small" })), undefined);
	await new Promise(setImmediate);
	t.strictSame(order, ["small", "large"]);
	written.open();
	await Promise.all(waits);
	t.strictSame(order, ["small", "large", "larger"]);
});

t.test("settled waits for work that begins while other work ends", async (t) => {
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

t.test("a spool for large bodies: if the sink has one, and until a write fails", async (t) => {
	t.equal(contextOf({}).context.openSpool(), null);
	const { context } = contextOf({ spool: openFileSpool });
	const spool = context.openSpool();
	spool?.write(Buffer.from("all of it"));
	t.equal(bodyBytes(spool?.end() ?? null)?.toString(), "all of it");

	const full = () => {
		throw new Error("disk full");
	};
	const closed = contextOf({ spool: full });
	t.equal(closed.context.openSpool(), null);
	t.match(closed.events, [{ kind: "sink_error", error: { message: "disk full" } }]);
	for (const broken of [
		{ write: full, end: full },
		{ write: () => {}, end: full },
	]) {
		const { context, events } = contextOf({ spool: () => broken });
		const lost = context.openSpool();
		lost?.write(Buffer.from("a"));
		lost?.write(Buffer.from("b"));
		t.equal(lost?.end(), null, "what is not whole is lost");
		t.equal(events.length, 1, "and told of once");
	}
});

t.test("a flow in progress: in a sink that stores messages, in one that does not, and in one that fails", async (t) => {
	const flow = httpFlow();
	const message = {
		opcode: 1,
		fromClient: true,
		content: Buffer.from("m"),
		timestamp: 1,
		dropped: false,
		injected: false,
	};
	const taken: string[] = [];
	const able = contextOf({
		open: () => ({
			addMessage: ({ content }) => void taken.push(String(content)),
			close: () => void taken.push("close"),
			discard: () => {},
		}),
	});
	const open = able.context.open(flow);
	open.take(message);
	open.store(message);
	open.close();
	t.strictSame(taken, ["m", "close"]);
	t.match(able.events, [{ kind: "flow", flow }]);

	const whole: unknown[] = [];
	const unable = contextOf((one) => void whole.push(one));
	const kept = unable.context.open(flow);
	kept.take(message);
	kept.store(message);
	t.strictSame(whole, []);
	kept.close();
	t.strictSame(whole, [flow]);

	const full = () => {
		throw new Error("disk full");
	};
	const failing = contextOf({ open: () => ({ addMessage: full, close: full, discard: full }) });
	const lost = failing.context.open(flow);
	for (const _ of [1, 2]) {
		lost.take(message);
		lost.store(message);
	}
	lost.close();
	t.match(failing.events, [{ kind: "sink_error", error: { message: "disk full" } }]);
	t.equal(failing.events.length, 1);
	const never = contextOf({ open: full });
	never.context.open(flow).close();
	t.match(never.events, [{ kind: "sink_error", error: { message: "disk full" } }], "and it is not written later");
});

t.test("a sink for complete flows gets all messages, and memory holds few", async (t) => {
	const message = (i: number, opcode: number) => ({
		opcode,
		fromClient: i % 3 === 0,
		content: Buffer.alloc(i % 100 === 0 ? 100_000 : i % 7, String(i)),
		timestamp: i + 0.25,
		dropped: i % 5 === 0,
		injected: i % 4 === 0,
	});
	for (const isTcp of [false, true]) {
		const flow = isTcp ? tcpFlow({ messages: [] }) : websocketFlow({ messages: [] });
		const messages = flow.type === "tcp" ? flow.messages : (flow.websocket?.messages ?? []);
		const expected = Array.from({ length: 10_000 }, (_, i) => {
			const { fromClient, content, timestamp, ...rest } = message(i, 1 + (i % 2));
			return { fromClient, content, timestamp, ...(isTcp ? {} : rest) };
		});
		const whole: unknown[] = [];
		const { context, events } = contextOf((one) => void whole.push(one));
		const record = context.open(flow);
		for (const one of expected) {
			record.take(one);
			record.store(one);
		}
		t.ok(messages.length <= 1000, `${messages.length} of ${expected.length} are kept`);
		record.close();
		await context.settled();
		t.strictSame(whole, [flow]);
		t.match(events, [{ kind: "flow", flow }]);
		t.strictSame(messages, expected);
	}
});

t.test("a message stays in the flow until it is stored", async (t) => {
	const flow = tcpFlow({ messages: [] });
	const { context } = contextOf(() => {});
	const record = context.open(flow);
	const [first, second] = ["first", "second"].map((name, i) => ({
		fromClient: i === 0,
		content: Buffer.alloc(5_000_000, name),
		timestamp: i,
	})) as [StreamMessage, StreamMessage];
	record.take(first);
	record.take(second);
	record.store(second);
	t.strictSame(flow.messages, [first, second]);
	first.content = Buffer.from("changed");
	record.store(first);
	record.close();
	await context.settled();
	t.strictSame(
		flow.messages.map(({ content }) => content.latin1Slice(0, 7)),
		["changed", "seconds"],
	);
});

t.test("hosts with their own hooks have their own context, with the same sink", async (t) => {
	const taken = gate();
	const { context } = contextOf(() => taken.opened, [{ name: "page", host: "own.example", request: () => {} }]);
	const client = clientConnection({ id: "c" });
	const to = (host: string) => context.for(httpRequest({ host }), client);
	t.equal(to("other.example"), context);
	const own = to("own.example");
	t.strictSame([context.pipeline.isIdle("request"), own.pipeline.isIdle("request")], [true, false]);
	void own.record(httpFlow());
	let isSettled = false;
	const settled = context.settled().then(() => {
		isSettled = true;
	});
	await new Promise(setImmediate);
	t.equal(isSettled, false, "what is under way there is waited for");
	taken.open();
	await settled;
});
