// The hooks of one exchange.
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { gate } from "../../../../fixtures/gate.ts";
import { FlowSink } from "../../../../src/flow/sink.ts";
import type { Hook } from "../../../../src/hooks/hook.ts";
import { Pipeline } from "../../../../src/hooks/pipeline.ts";
import { defaults } from "../../../../src/options.ts";
import { BodyPolicy, options as bodyOptions } from "../../../../src/proxy/body/policy.ts";
import { ProxyContext, type ProxyEvent } from "../../../../src/proxy/context/context.ts";
import { PhaseRunner } from "../../../../src/proxy/exchange/phase-runner.ts";

/** A runner with these hooks, and its calls in order. */
function runnerOf(...hooks: Omit<Hook, "name">[]) {
	const reported: string[] = [];
	const events: ProxyEvent[] = [];
	const context = new ProxyContext({
		pipeline: new Pipeline(hooks.map((hook, i) => ({ name: `hook ${i}`, ...hook }))),
		sink: FlowSink.of({ append() {} }),
		pool: null,
		onEvent: (event) => events.push(event),
		bodies: new BodyPolicy(defaults(bodyOptions)),
		lenient: false,
		timeoutMs: 0,
	});
	const runner = new PhaseRunner(context, httpFlow(), { flush: () => void reported.push("flush") });
	const tell = (what: string) => () => void reported.push(what);
	const fail = (error: unknown) => void reported.push(`failed ${error}`);
	return { runner, context, reported, events, tell, fail };
}

t.test("it continues at once if no hook is asynchronous", async (t) => {
	const { runner, reported, tell, fail } = runnerOf({ request: () => void reported.push("hook") });
	runner.run("request", tell("next"), fail);
	t.strictSame(reported, ["hook", "next"]);
});

t.test("it waits for asynchronous hooks, and then flushes", async (t) => {
	const waiting = gate();
	const { runner, context, reported, tell, fail } = runnerOf({ request: () => waiting.opened });
	runner.run("request", tell("next"), fail);
	t.strictSame(reported, []);
	waiting.open();
	await context.settled();
	t.strictSame(reported, ["next", "flush"]);
});

t.test("hooks that fail, synchronously or later", async (t) => {
	for (const request of [
		() => {
			throw "now";
		},
		() => Promise.reject("later"),
	]) {
		const { runner, context, reported, tell, fail } = runnerOf({ request });
		runner.run("request", tell("next"), fail);
		await context.settled();
		t.match(reported[0], /^failed (?:now|later)$/);
		t.notOk(reported.includes("next"));
	}
});

t.test("the phases that hooks see", async (t) => {
	const { runner } = runnerOf({ request: () => {} });
	t.strictSame(
		[runner.seesAny("requestheaders", "request"), runner.seesAny("responseheaders", "response")],
		[true, false],
	);
});

t.test("hooks that run afterwards: the exchange continues, and is called when they have finished", async (t) => {
	const waiting = gate();
	const { runner, context, reported, tell } = runnerOf({ response: () => waiting.opened });
	runner.runAfterwards("request", tell("nobody looks"));
	runner.runAfterwards("response", tell("through"));
	t.strictSame([reported, runner.isRunningAfterwards], [[], true]);
	waiting.open();
	await context.settled();
	t.strictSame([reported, runner.isRunningAfterwards], [["through", "flush"], false]);
});

t.test("an observer that fails is reported, and changes nothing", async (t) => {
	const throwing = () => {
		throw "now";
	};
	for (const [response, reported, kinds] of [
		[throwing, [], ["hook_error"]],
		[() => Promise.reject("later"), ["through", "flush"], ["hook_error"]],
		[() => {}, [], []],
	] as const) {
		const seen = runnerOf({ response });
		seen.runner.runAfterwards("response", seen.tell("through"));
		await seen.context.settled();
		t.strictSame(seen.reported, reported);
		t.strictSame(
			seen.events.map(({ kind }) => kind),
			kinds,
		);
	}
});
