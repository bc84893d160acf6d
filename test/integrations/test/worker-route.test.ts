// Worker threads of the code under test are routed to the tape, whatever starts them.
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";
import t from "tap";
import { startOutsideServer } from "../../../fixtures/outside-server.ts";
import { insertTape } from "../../../integrations/test/insert-tape.ts";
import type { TapeOptions } from "../../../integrations/test/options.ts";

const insert = (folder: string, options: TapeOptions = {}) =>
	insertTape({ file: join(folder, "a.test.ts"), name: "a" }, { dir: ".", tape: "a.tape", mode: "once", ...options });

/** Starts a thread, and resolves to its first message. */
async function messageOf(code: string | URL, options: WorkerOptions = {}): Promise<unknown> {
	const worker = new Worker(code, options);
	const [message] = (await once(worker, "message")) as [unknown];
	await worker.terminate();
	return message;
}

const REQUEST = "fetch(workerData).then((r) => r.json()).then(({ url }) => parentPort.postMessage(url))";
const REQUIRE = 'const { parentPort, workerData, Worker } = require("node:worker_threads");';
const IMPORT = 'import { parentPort, workerData } from "node:worker_threads";';

t.test("threads record and replay", async (t) => {
	const folder = t.testdir({ "a.cjs": `${REQUIRE}\n${REQUEST}`, "a.mjs": `${IMPORT}\n${REQUEST}` });
	const server = await startOutsideServer(t);
	const nested = `${REQUIRE} new Worker(${JSON.stringify(`${REQUIRE} ${REQUEST}`)}, { eval: true, workerData }).on("message", (m) => parentPort.postMessage(m));`;
	const threads: [code: string | URL, options?: WorkerOptions][] = [
		[join(folder, "a.cjs")],
		[pathToFileURL(join(folder, "a.mjs"))],
		[`"use strict"; ${REQUIRE} ${REQUEST}`, { eval: true }],
		[new URL(`data:text/javascript,${encodeURIComponent(`${IMPORT} ${REQUEST}`)}`)],
		[nested, { eval: true }],
	];
	for (const { recorded, served } of [
		{ recorded: threads.length, served: 0 },
		{ recorded: 0, served: threads.length },
	]) {
		const tape = await insert(folder);
		for (const [i, [code, options]] of threads.entries())
			t.equal(await messageOf(code, { ...options, workerData: `${server.url}/${i}` }), `/${i}`);
		await tape.check();
		t.match(await tape.eject(), { recorded, served, missed: 0 });
		server.stop();
	}
});

t.test("a miss in a thread fails the test, and passthrough holds there too", async (t) => {
	const folder = t.testdir();
	const server = await startOutsideServer(t);
	const tape = await insert(folder, { mode: "none", passthrough: [new URL(server.url).host] });
	const status = `${REQUIRE} fetch(workerData).then(({ status }) => parentPort.postMessage(status))`;
	t.equal(await messageOf(status, { eval: true, workerData: "http://api.example.test/" }), 404);
	t.equal(await messageOf(status, { eval: true, workerData: server.url }), 200);
	await t.rejects(tape.check(), { code: "FT_MISS", message: /GET http:\/\/api\.example\.test\/\n/ });
	await tape.eject();
});

t.test("the code of a thread sees no difference", async (t) => {
	const folder = t.testdir({
		"a.cjs": `${REQUIRE} parentPort.postMessage([require.main === module, process.argv.slice(1), process.execArgv, module.id, __filename]);`,
		"fails.cjs": 'throw new RangeError("no")',
	});
	const facts = () => messageOf(join(folder, "a.cjs"), { argv: ["x"], env: {} });
	const before = await facts();
	const tape = await insert(folder, { mode: "none" });
	t.same(await facts(), before);
	const [error] = (await once(new Worker(join(folder, "fails.cjs")), "error")) as [Error];
	t.match(error, { name: "RangeError", message: "no" });
	await tape.eject();
});

t.test("a thread that outlives the tape is routed no longer", async (t) => {
	const folder = t.testdir();
	const server = await startOutsideServer(t);
	const tape = await insert(folder, { mode: "none" });
	const code = `${REQUIRE} const net = require("node:net"); parentPort.on("message", async (m) => {
		while (m === "again" && Symbol.for("flowtape.route") in net.Socket) await new Promise(setImmediate);
		parentPort.postMessage((await fetch(workerData)).status);
	});`;
	const worker = new Worker(code, { eval: true, workerData: server.url });
	t.teardown(() => worker.terminate());
	worker.postMessage("first");
	t.same(await once(worker, "message"), [404]);
	await tape.eject();
	worker.postMessage("again");
	t.same(await once(worker, "message"), [200]);
});
