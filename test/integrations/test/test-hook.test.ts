// The hook of a test's tape: sessions, open requests, and requests that pass.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import type { SeenRequest } from "../../../integrations/test/options.ts";
import { TestHook } from "../../../integrations/test/test-hook.ts";
import { Decision } from "../../../src/hooks/decision.ts";

const hookOf = (setup: Partial<ConstructorParameters<typeof TestHook>[0]> = {}) => {
	const seen: SeenRequest[] = [];
	const hook = new TestHook({
		only: null,
		passes: [],
		respond: null,
		redact: null,
		redactRequest: null,
		onSeen: (one) => seen.push(one),
		...setup,
	});
	return { hook, seen };
};

t.test("sessions", async (t) => {
	const { hook } = hookOf();
	const [before, first, again] = [httpFlow({ id: "0" }), httpFlow({ id: "1" }), httpFlow({ id: "2" })];
	hook.requestheaders(before);
	t.same(hook.begin("a"), []);
	hook.requestheaders(first);
	t.same(hook.begin("a"), ["1"], "the flows of its first attempt");
	hook.requestheaders(again);
	t.same(hook.begin(null), []);
	t.same(
		[before, first, again].map(({ session }) => session),
		[null, "a", "a"],
	);
	t.same([hook.hasBegun("a"), hook.hasBegun("b"), hook.hasBegun(null)], [true, false, false]);
});

t.test("what answered, and what is open", async (t) => {
	const { hook, seen } = hookOf();
	await hook.idle();
	const [replayed, missed, sent] = [httpFlow({ id: "1" }), httpFlow({ id: "2" }), httpFlow({ id: "3" })];
	const failed = httpFlow({ response: null });
	for (const flow of [replayed, missed, sent, failed]) hook.requestheaders(flow);
	t.same(hook.open, Array(4).fill("GET http://example.com/"));
	replayed.isReplay = "response";
	missed.isReplay = "response";
	hook.missed("2");
	for (const flow of [replayed, missed, sent]) {
		hook.responseheaders(flow);
		hook.response(flow);
	}
	const idle = hook.idle();
	hook.error(failed);
	await idle;
	t.match(
		seen.map(({ answeredBy, status }) => [answeredBy, status]),
		[
			["tape", 200],
			[null, 200],
			["server", 200],
			[null, null],
		],
	);
});

t.test("requests that pass to the network", async (t) => {
	t.notOk(hookOf().hook.isSelective);
	const { hook } = hookOf({ only: "~d example.com", passes: ["~u /metrics$"] });
	t.ok(hook.isSelective);
	const flows = [
		httpFlow(),
		httpFlow({ request: { path: "/metrics" } }),
		httpFlow({ request: { host: "other.test", port: 81, headers: [["Host", "other.test:81"]] } }),
	];
	for (const flow of flows) await hook.request?.(flow, new Decision(true));
	t.same(
		flows.map((flow) => hook.isPassed(flow)),
		[false, true, true],
	);
	t.same([hook.isPassedTo("other.test:81"), hook.isPassedTo("other.test:80")], [true, false]);
	t.throws(() => hookOf({ only: "~" }), { code: "FT_BAD_FILTER" });
});
