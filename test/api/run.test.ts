// Runs a command with a tape.
import { existsSync, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type RunOptions, run } from "../../api/run.ts";
import type { ProxyEvent } from "../../api/run-events.ts";
import { startOrigin } from "../../fixtures/origin-server.ts";

/** A program that asks for a URL through the proxy of its environment, and prints what it gets. */
const ask = (url: string, status = 0) => [
	process.execPath,
	"-e",
	`require("node:http").get({ host: "127.0.0.1", port: new URL(process.env.HTTP_PROXY).port, path: ${JSON.stringify(url)} }, async (answer) => {
		console.log(answer.statusCode, Buffer.concat(await answer.toArray()).toString().split("\\n")[0]);
		process.exitCode = ${status};
	});`,
];

async function prepare(t: Test) {
	const origin = await startOrigin(t, async (client) => {
		await client.upTo("\r\n\r\n");
		client.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
	});
	const folder = t.testdir();
	const log = join(folder, "log");
	const file = await open(log, "w");
	t.teardown(() => file.close());
	const options: RunOptions = { tape: join(folder, "a.tape"), env: {}, stdio: ["ignore", file.fd, "inherit"] };
	return {
		url: `http://127.0.0.1:${origin.port}`,
		options,
		tape: options.tape as string,
		printed: () => readFileSync(log, "utf8"),
	};
}

t.test("recorded the first time, replayed from then on", async (t) => {
	const { url, options, tape, printed } = await prepare(t);
	const events: ProxyEvent[] = [];
	const listeners = process.eventNames().length;
	t.match(await run(ask(`${url}/a`), { ...options, onEvent: (event) => events.push(event) }), {
		status: 0,
		recorded: 1,
		failures: [],
		served: 0,
	});
	t.ok(events.some(({ kind }) => kind === "flow") && events.some(({ kind }) => kind === "egress"));
	t.match(await run(ask(`${url}/a`), options), { status: 0, recorded: 0, served: 1, egress: new Map() });
	t.match(await run(ask(`${url}/b`), options), { status: 1, missed: 1, failures: [{ kind: "miss" }] });
	t.match(await run(ask(`${url}/b`), { ...options, failOn: "egress" }), { status: 0, missed: 1, failures: [] });
	t.match(await run(ask(`${url}/b`), { ...options, recordMode: "new-episodes" }), {
		status: 0,
		recorded: 1,
		missed: 1,
	});
	t.match(await run(ask(`${url}/b`), options), { status: 0, served: 1 });
	t.match(printed(), /^200 hello\n200 hello\n404 No recording answers GET .*\n404 .*\n200 hello\n200 hello\n$/);
	t.equal(process.eventNames().length, listeners, "signals of this process are left alone");
	t.ok(existsSync(tape));
});

t.test("a failed run leaves the tape unchanged", async (t) => {
	const { url, options, tape } = await prepare(t);
	t.match(await run(ask(`${url}/a`, 3), options), { status: 3, recorded: 0 });
	t.notOk(existsSync(tape));
	await t.rejects(run(["/no/such/program"], options), { code: "FT_COMMAND" });
	t.notOk(existsSync(tape));
});

t.test("a signal ends the command", async (t) => {
	const { options, tape } = await prepare(t);
	const controller = new AbortController();
	const endless = [
		process.execPath,
		"-e",
		"setInterval(() => {}, 1000); require('node:http').get({ host: '127.0.0.1', port: new URL(process.env.HTTP_PROXY).port, path: 'http://127.0.0.1:1/' }).on('error', () => {})",
	];
	const running = run(endless, {
		...options,
		signal: controller.signal,
		onEvent: () => controller.abort(new Error("enough")),
	});
	await t.rejects(running, { message: "enough" });
	t.notOk(existsSync(tape));
	await t.rejects(run(endless, { ...options, signal: AbortSignal.abort(new Error("at once")) }), {
		message: "at once",
	});
});

t.test("invalid arguments", async (t) => {
	const { options } = await prepare(t);
	await t.rejects(run([], options), { code: "FT_USAGE" });
	await t.rejects(run(["true"], { tape: "a.tape" } as RunOptions), { code: "FT_USAGE", message: /env: process\.env/ });
	await t.rejects(run(["true"], { ...options, recordmode: "all" } as RunOptions), {
		code: "FT_BAD_OPTION",
		message: /Did you mean "recordMode"/,
	});
	await t.rejects(run(["true"], { ...options, recordMode: "twice" } as unknown as RunOptions), {
		code: "FT_BAD_OPTION",
	});
	await t.rejects(run(["true"], { ...options, failOn: "mist" }), { code: "FT_BAD_OPTION" });
});
