// The code that a worker thread runs first: it is loaded from a module, with the data of the route.
import { once } from "node:events";
import { join } from "node:path";
import { MessagePort, Worker, type WorkerOptions } from "node:worker_threads";
import t from "tap";
import { noRoute } from "../../../fixtures/no-route.ts";
import { installRoute, type Route } from "../../../src/route/route.ts";

const messageOf = async (code: string, options: WorkerOptions): Promise<unknown> => {
	const [message] = (await once(new Worker(code, options), "message")) as [unknown];
	return message;
};

t.test("a module runs before the code of each thread", async (t) => {
	const module = join(
		t.testdir({
			"preload.cjs": "exports.route = (data) => { globalThis.prepared = data; };",
			"a.cjs": 'require("node:worker_threads").parentPort.postMessage(globalThis.prepared);',
		}),
		"preload.cjs",
	);
	const { postMessage } = MessagePort.prototype;
	const route: Route = installRoute({
		...noRoute,
		concurrent: true,
		workers: { module, data: (scope) => ({ scope, odd: "\u2028'\"`" }) },
	});
	const send = 'require("node:worker_threads").parentPort.postMessage(globalThis.prepared)';
	t.same(await messageOf(send, { eval: true }), { scope: null, odd: "\u2028'\"`" });
	t.match(await route.run("a", () => messageOf(join(t.testdirName, "a.cjs"), {})), { scope: "a" });
	const strict = `'use strict'; require("node:worker_threads").parentPort.postMessage((function () { return this === undefined; })())`;
	t.equal(await messageOf(strict, { eval: true }), true, "a directive still counts");
	route.remove();
	t.equal(MessagePort.prototype.postMessage, postMessage);
	t.equal(await messageOf(send, { eval: true }), undefined);
});
