// The library in a program: it loads modules when they are needed, and changes nothing of the process.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import t, { type Test } from "tap";
import { httpFlow } from "../fixtures/build-flow.ts";
import { startOrigin } from "../fixtures/origin-server.ts";
import { writeTape } from "../fixtures/tape-files.ts";

const library = pathToFileURL(resolve("build/index.js")).href;

/** Runs a program until it ends, and returns the JSON that it prints. Nothing else may be printed. */
async function run(t: Test, program: string, ...args: string[]): Promise<Record<string, unknown>> {
	const file = join(t.testdirName, "program.mjs");
	writeFileSync(file, program);
	const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, ...args], { timeout: 60_000 });
	t.equal(stderr, "");
	const lines = stdout.trim().split("\n");
	t.equal(lines.length, 1, "nothing else is printed");
	return JSON.parse(lines[0] ?? "");
}

t.test("importing it loads no modules for sockets, databases or threads, and no packages", async (t) => {
	t.testdir();
	const { added } = await run(
		t,
		`import { createRequire } from "node:module";
		const loaded = () => [...process.moduleLoadList.map((name) => name.replace("NativeModule ", "")), ...Object.keys(createRequire(import.meta.url).cache)];
		const before = new Set(loaded());
		await import(${JSON.stringify(library)});
		console.log(JSON.stringify({ added: loaded().filter((name) => !before.has(name)) }));`,
	);
	for (const name of added as string[])
		t.notMatch(
			name,
			/^(?:net|tls|http|http2|https|dns|worker_threads|child_process|zlib|crypto)$|node_modules|\.node$/,
			name,
		);
});

t.test("a whole run reads no environment, sets no flag, listens to no signal and leaves nothing open", async (t) => {
	const folder = t.testdir();
	const { port } = await startOrigin(t, async (client) => {
		await client.upTo("\r\n\r\n");
		client.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
	});
	await writeTape(join(folder, "a.tape"), [httpFlow({ response: { body: "x".repeat(1000) } })]);
	const result = await run(
		t,
		`import { createRequire } from "node:module";
		import { request } from "node:http";
		import { join } from "node:path";
		const [folder, port] = process.argv.slice(2);
		const reads = [], flags = [];
		const v8 = createRequire(import.meta.url)("node:v8");
		v8.setFlagsFromString = (flag) => flags.push(flag);
		const { convert, diff, explain, filter, openTape, record, replayClient, replayServer, rewrite, run } = await import(${JSON.stringify(library)});
		const own = process.env;
		// Node reads some itself, and so do packages
		const isOurs = () => /\\/(?:build|src|api|formats|commands)\\/(?!.*node_modules)/.test(new Error().stack.split("\\n")[4]);
		const note = (name) => isOurs() && reads.push(String(name));
		process.env = new Proxy(own, {
			get: (env, name) => (note(name), env[name]),
			ownKeys: (env) => (note("all"), Reflect.ownKeys(env)),
		});
		const ask = (proxy, path) => new Promise((resolve, reject) => {
			const url = "http://127.0.0.1:" + port + path;
			request({ host: "127.0.0.1", port: proxy.url.port, path: url, headers: { host: "127.0.0.1:" + port }, agent: false }, (answer) => {
				answer.resume().on("end", () => resolve(answer.statusCode));
			}).on("error", reject).end();
		});
		const at = (name) => join(folder, name);
		const listeners = process.eventNames().length;
		const tape = await openTape(at("a.tape"));
		for await (const flow of tape) flow.response.text;
		await tape.close();
		for (const to of ["a.har", "a.mitm", "a.jsonl", "b.tape"]) await convert(at("a.tape"), at(to));
		await filter(at("a.har"), '~b "(x+)+x"', at("c.tape"));
		await rewrite(at("a.tape"), { setStatus: 404 }, "in-place");
		const recorder = await record({ to: at("live.tape") });
		const statuses = [await ask(recorder, "/a")];
		const { recorded } = await recorder.close();
		const player = await replayServer({ from: at("live.tape") });
		statuses.push(await ask(player, "/a"), await ask(player, "/b"));
		const { served, missed } = await player.close();
		const changes = [];
		for await (const change of diff(at("a.tape"), at("a.har"))) changes.push(change.differences.map(({ part }) => part).join());
		const { recording } = await explain(at("live.tape"), "http://127.0.0.1:" + port + "/a");
		const client = replayClient({ from: at("live.tape"), to: at("again.tape") });
		for await (const one of client) statuses.push(one.flow.response.statusCode);
		const { sent } = await client.close();
		const { status } = await run([process.execPath, "-e", "process.exit(3)"], { tape: at("ran.tape"), env: {} });
		process.env = own;
		console.log(JSON.stringify({ changes, isExplained: recording !== null, sent, status, reads, flags, statuses, recorded, served, missed, listeners: process.eventNames().length - listeners, exitCode: process.exitCode ?? null }));`,
		folder,
		String(port),
	);
	t.match(result, {
		changes: ["status"],
		isExplained: true,
		sent: 1,
		status: 3,
		flags: [],
		statuses: [200, 200, 404, 200],
		recorded: 1,
		served: 1,
		missed: 1,
		listeners: 0,
		exitCode: null,
	});
	t.same(new Set(result.reads as string[]), new Set(["FLOWTAPE_VERSION"]), "which the build replaces by its value");
});
