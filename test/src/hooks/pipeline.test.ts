// Running hooks: their order, the first decision, and stored flows.
import t from "tap";
import { httpFlow, httpResponse, tcpFlow } from "../../../fixtures/build-flow.ts";
import type { HttpFlow } from "../../../src/flow/flow.ts";
import { Decision } from "../../../src/hooks/decision.ts";
import type { Hook, Phase } from "../../../src/hooks/hook.ts";
import { Pipeline } from "../../../src/hooks/pipeline.ts";

const phases: readonly Phase[] = ["requestheaders", "request", "responseheaders", "response", "error"];

/** A hook that records every phase, and whether there was a response. */
function noting(name: string, notes: string[], more: Partial<Hook> = {}): Hook {
	const note = (phase: Phase) => (flow: HttpFlow) =>
		void notes.push(
			`${name} ${phase}${flow.response === null ? "" : " with response"}${flow.error === null ? "" : " with error"}`,
		);
	return { name, ...Object.fromEntries(phases.map((phase) => [phase, note(phase)])), ...more };
}

t.test("live: phase by phase, hooks in order, synchronous or not", async (t) => {
	const notes: string[] = [];
	const slow: Hook = {
		name: "slow",
		async request() {
			await new Promise(setImmediate);
			notes.push("slow request");
		},
	};
	const pipeline = new Pipeline([noting("a", notes), slow, noting("b", notes)]);
	const [flow, decision] = [httpFlow({ response: null }), new Decision(true)];
	t.equal(pipeline.run("requestheaders", flow, decision), undefined, "no promise where no hook waits");
	await pipeline.run("request", flow, decision);
	t.same(notes, ["a requestheaders", "b requestheaders", "a request", "slow request", "b request"]);
});

t.test("live: after a decision the request phases end, the response phases run", async (t) => {
	const notes: string[] = [];
	const blocker: Hook = { name: "blocker", request: (_, decision) => decision.answer(httpResponse(), "blocker") };
	const pipeline = new Pipeline([noting("a", notes), blocker, noting("b", notes)]);
	const [flow, decision] = [httpFlow(), new Decision(true)];
	await pipeline.run("request", flow, decision);
	await pipeline.run("response", flow, decision);
	t.same(notes, ["a request with response", "a response with response", "b response with response"]);
});

t.test("live: if the exchange fails while a request hook waits, the remaining hooks do not run", async (t) => {
	const notes: string[] = [];
	const [flow, decision] = [httpFlow({ response: null }), new Decision(true)];
	const waiting: Hook = {
		name: "waiting",
		async request() {
			await new Promise(setImmediate);
			flow.error = { message: "Client disconnected.", timestamp: 1 };
		},
	};
	await new Pipeline([waiting, noting("a", notes)]).run("request", flow, decision);
	t.same(notes, []);
});

t.test("bodies that hooks need, and hooks without functions", async (t) => {
	const pipeline = new Pipeline([{ name: "a", needs: { request: true }, request() {} }, { name: "b" }]);
	t.match(pipeline, { needsRequestBody: true, needsResponseBody: false });
	t.equal(pipeline.isIdle("request"), false);
	t.equal(pipeline.isIdle("response"), true);
	t.match(new Pipeline([]), { needsRequestBody: false, needsResponseBody: false });
});

t.test("methods keep their `this`", async (t) => {
	class Counting {
		readonly name = "counting";
		count = 0;
		request() {
			this.count++;
		}
	}
	const hook = new Counting();
	await new Pipeline([hook]).run("request", httpFlow(), new Decision(true));
	t.equal(hook.count, 1);
});

t.test("stored: all phases that the flow has reached, with the same flow as live", async (t) => {
	for (const [flow, seen] of [
		[httpFlow(), ["a requestheaders", "a request", "a responseheaders with response", "a response with response"]],
		[httpFlow({ response: null }), ["a requestheaders", "a request"]],
		[
			httpFlow({ response: null, error: { message: "x", timestamp: 1 } }),
			["a requestheaders", "a request", "a error with error"],
		],
		[
			httpFlow({ error: { message: "x", timestamp: 1 } }),
			[
				"a requestheaders",
				"a request",
				"a responseheaders with response with error",
				"a response with response with error",
				"a error with response with error",
			],
		],
	] as const) {
		const notes: string[] = [];
		const { response, error } = flow;
		flow.record = { format: "mitm", version: 21, data: null };
		t.equal(await new Pipeline([noting("a", notes), noting("live", notes, { liveOnly: true })]).runStored(flow), flow);
		t.same(notes, seen);
		t.equal(flow.response, response);
		t.equal(flow.error, error);
		t.equal(flow.record, undefined, "what was read cannot be copied any more");
	}
});

t.test("stored: an answer replaces the recorded response, a drop leaves the flow out", async (t) => {
	const notes: string[] = [];
	const answer = httpResponse({ statusCode: 201 });
	const answering: Hook = { name: "answering", request: (_, decision) => decision.answer(answer, "answering") };
	const flow = httpFlow({ response: null, error: { message: "x", timestamp: 1 } });
	t.equal(await new Pipeline([answering, noting("a", notes)]).runStored(flow), flow);
	t.equal(flow.response, answer);
	t.equal(flow.error, null);
	t.same(notes, ["a requestheaders", "a responseheaders with response", "a response with response"]);
	for (const phase of ["request", "response"] as const) {
		const dropping: Hook = {
			name: "dropping",
			[phase]: (_: HttpFlow, decision: Decision) => decision.drop("dropping"),
		};
		t.equal(await new Pipeline([dropping]).runStored(httpFlow()), null, phase);
	}
});

t.test("stored: a hook that fails leaves the flow complete", async (t) => {
	const flow = httpFlow();
	const { response } = flow;
	const failing: Hook = {
		name: "failing",
		request() {
			throw new Error("oops");
		},
	};
	await t.rejects(Promise.resolve(new Pipeline([failing]).runStored(flow)), /oops/);
	t.equal(flow.response, response);
});

t.test("stored: flows other than HTTP have their own phase", async (t) => {
	const seen: string[] = [];
	const hook: Hook = { name: "a", flow: ({ type }) => void seen.push(type) };
	const flow = tcpFlow();
	t.equal(await new Pipeline([hook, { ...hook, liveOnly: true }]).runStored(flow), flow);
	t.same(seen, ["tcp"]);
	t.equal(await new Pipeline([{ name: "b", flow: (_, decision) => decision.drop("b") }]).runStored(tcpFlow()), null);
});

t.test("closing closes every hook, in order", async (t) => {
	const closed: string[] = [];
	await new Pipeline([
		{ name: "a", close: () => void closed.push("a") },
		{ name: "b" },
		{ name: "c", close: async () => void closed.push("c") },
	]).close();
	t.same(closed, ["a", "c"]);
});

t.test("hooks of a host run for no other host", async (t) => {
	const seen: string[] = [];
	const common: Hook = { name: "common", requestheaders: () => void seen.push("common") };
	const confined: Hook = {
		name: "confined",
		host: "a.example",
		needs: { request: true },
		request: () => void seen.push("confined"),
	};
	const pipeline = new Pipeline([common, confined]);
	t.equal(pipeline.isIdle("request"), true);
	t.equal(pipeline.needsRequestBody, false);
	const own = pipeline.byHost().get("a.example") as Pipeline;
	t.strictSame([...pipeline.byHost().keys()], ["a.example"]);
	t.equal(own.needsRequestBody, true);
	t.equal(own.byHost().size, 0);
	for (const phase of ["requestheaders", "request"] as const) await own.run(phase, httpFlow(), new Decision(true));
	t.strictSame(seen, ["common", "confined"]);
});
