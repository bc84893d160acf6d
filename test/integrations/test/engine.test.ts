// The engine's thread: it answers each call, also those that fail, and wakes a thread that waits.
import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import t from "tap";
import type { FromEngine } from "../../../integrations/test/messages.ts";

t.test("calls", async (t) => {
	const { port1: port, port2 } = new MessageChannel();
	const file = new URL("../../../integrations/test/engine.js", import.meta.url);
	const worker = new Worker(file, { workerData: port2, transferList: [port2], execArgv: [] });
	t.teardown(() => worker.terminate());
	const wake = new Int32Array(new SharedArrayBuffer(4));
	for (const name of ["begin", "rewind", "env", "eject"]) {
		port.postMessage({ kind: "call", id: 7, tape: 1, name, argument: null, wake });
		const [message] = (await once(port, "message")) as [FromEngine];
		t.match(message, { kind: "error", id: 7, error: { message: /not inserted/, code: null } });
	}
	port.postMessage({ kind: "route", tape: 1, message: { kind: "closed", localPort: 1 } });
	port.postMessage({ kind: "responded", tape: 1, id: 1, response: null, error: null });
	Atomics.wait(wake, 0, 0);
	t.equal(Atomics.load(wake, 0), 1);
});
