// The engine's thread: calls with and without waiting, errors, and its end.
import { join } from "node:path";
import t from "tap";
import { engineSetup } from "../../../fixtures/engine-setup.ts";
import { EngineClient, type TapeEvent } from "../../../integrations/test/engine-client.ts";
import { threadState } from "../../../integrations/test/thread-state.ts";

t.test("calls, and an engine that ends", async (t) => {
	const events: TapeEvent[] = [];
	const client = new EngineClient((event) => events.push(event));
	await t.rejects(client.call("rewind", null), { message: /not inserted/ });
	await t.rejects(client.call("insert", { ...engineSetup("a.odd"), match: { order: "odd" as "once" } }), {
		name: "FlowtapeError",
		code: "FT_BAD_OPTION",
	});
	const inserted = await client.call("insert", engineSetup(join(t.testdir(), "a.tape")));
	t.match(inserted, { exists: false, isRecording: false, recordedAt: null });
	t.equal(inserted.values.size, 0);
	t.match(inserted.authority, /BEGIN CERTIFICATE/);
	t.equal(client.callBlocking("rewind", null), null);
	t.match(client.callBlocking("env", { A: "1" }), { A: "1", HTTP_PROXY: /^http:\/\/127\.0\.0\.1:/ });
	const { thread } = threadState();
	const other = new EngineClient(() => {});
	t.equal(threadState().thread, thread, "tapes share the thread");
	other.detach();
	const waiting = client.call("eject", { keeps: false, values: new Map(), isWhole: true });
	await thread?.worker.terminate();
	await t.rejects(waiting, { message: /the engine of flowtape ended/ });
	t.match(events.at(-1), { kind: "failed", message: /the engine of flowtape ended/ });
	t.throws(() => client.callBlocking("rewind", null), { message: /ended/ });
	client.detach();
	const next = new EngineClient(() => {});
	await t.rejects(next.call("rewind", null), { message: /not inserted/ }, "the next tape starts another thread");
	t.not(threadState().thread, thread);
	next.detach();
});
