// Answers from recordings, and what becomes of requests without one.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { runLive, runStored } from "../../../fixtures/run-hooks.ts";
import type { Flow } from "../../../src/flow/flow.ts";
import type { FlowSource } from "../../../src/flow/pipe.ts";
import type { Miss } from "../../../src/hooks/context.ts";
import { createServerReplay, isServerReplay, options } from "../../../src/hooks/server-replay.ts";
import { defaults } from "../../../src/options.ts";

const tapeOf = (...flows: Flow[]): FlowSource => ({
	async *[Symbol.asyncIterator]() {
		yield flows;
	},
});
const recorded = (body: string) => httpFlow({ response: { headers: [["Date", "Tue, 14 Nov 2023 22:13:20 GMT"]], body } });

function replay(values: Partial<ReturnType<typeof defaults<typeof options>>> = {}, misses: Miss[] = []) {
	const context = {
		recordings: [tapeOf(recorded("first")), tapeOf(recorded("second"))],
		now: () => 1_700_000_100.3,
		onMiss: (miss: Miss) => misses.push(miss),
	};
	return createServerReplay({ ...defaults(options), ...values }, context);
}

t.test("in the order of recording, each once, dates moved; then the policy", async (t) => {
	const misses: Miss[] = [];
	const hook = await replay({}, misses);
	for (const body of ["first", "second"]) {
		const flow = httpFlow();
		t.match(await runLive(hook, flow), { kind: "answer", by: "server-replay" });
		t.match(flow, { isReplay: "response", response: { text: body } });
		t.equal(flow.response?.headers.get("date"), "Tue, 14 Nov 2023 22:15:00 GMT");
	}
	const flow = httpFlow();
	await runLive(hook, flow);
	t.match(flow, { isReplay: "response", response: { statusCode: 404 } });
	t.ok(flow.response?.headers.has("x-flowtape-miss"));
	t.match(misses, [{ method: "GET", url: "http://example.com/", policy: "404", explanation: /./ }]);
	t.match(await hook?.report(), { served: 2, missed: 1, unused: 0 });
});

t.test("every policy for a miss", async (t) => {
	for (const [values, kind, status] of [
		[{ server_replay_extra: "204" }, "answer", 204],
		[{ server_replay_extra: "500" }, "answer", 500],
		[{ server_replay_extra: "kill" }, "abort", undefined],
		[{ server_replay_kill_extra: true }, "abort", undefined],
		[{ server_replay_extra: "forward" }, undefined, 200],
	] as const) {
		const flow = httpFlow({ request: { path: "/other" } });
		t.equal((await runLive(await replay(values), flow))?.kind, kind);
		t.equal(flow.response?.statusCode, status);
	}
});

t.test("the first again and again, without moving dates", async (t) => {
	for (const name of ["server_replay_reuse", "server_replay_nopop"] as const) {
		const hook = await replay({ [name]: true, server_replay_refresh: false });
		for (let n = 0; n < 3; n++) {
			const flow = httpFlow();
			await runLive(hook, flow);
			t.equal(flow.response?.text, "first");
			t.equal(flow.response?.headers.get("date"), "Tue, 14 Nov 2023 22:13:20 GMT");
		}
	}
});

t.test("stored flows pass by; without recordings there is no hook", async (t) => {
	const hook = await replay();
	const flow = httpFlow({ response: { body: "own" } });
	await runStored(hook, flow);
	t.equal(flow.response?.text, "own");
	t.equal(await createServerReplay(defaults(options), {}), null);
	t.ok(hook !== null && isServerReplay(hook));
	t.notOk(isServerReplay({ name: "other" }));
});
