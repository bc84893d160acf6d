// Failures around a tape, and their messages.
import { spawn } from "node:child_process";
import { on, once } from "node:events";
import { get } from "node:http";
import { createServer, Socket } from "node:net";
import { join } from "node:path";
import t, { type Test } from "tap";
import { bareSqlite } from "../../../fixtures/bare-sqlite.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { startOutsideServer } from "../../../fixtures/outside-server.ts";
import { writeTape } from "../../../fixtures/tape-files.ts";
import { insertTape } from "../../../integrations/test/insert-tape.ts";
import type { InsertedTape } from "../../../integrations/test/inserted-tape.ts";
import type { TapeOptions } from "../../../integrations/test/options.ts";
import { threadState } from "../../../integrations/test/thread-state.ts";

const insert = async (t: Test, options: TapeOptions = {}): Promise<InsertedTape> => {
	const tape = await insertTape(
		{ file: join(t.testdirName, "users.test.ts"), name: "a user" },
		{ tape: "a.tape", dir: ".", mode: "none", ...options },
	);
	t.teardown(() => tape.eject().catch(() => {}));
	return tape;
};

/** The warnings of this process from now on. */
function warningsFrom(t: Test): { next(): Promise<string> } {
	const warnings = on(process, "warning");
	t.teardown(() => warnings.return?.());
	return {
		async next() {
			const { value } = await warnings.next();
			return (value as [Error])[0].message;
		},
	};
}

t.test("a tape of a newer version, or of no known format", async (t) => {
	t.testdir({ "b.tape": "no tape" });
	const path = join(t.testdirName, "a.tape");
	await writeTape(path, [httpFlow()]);
	const db = bareSqlite(path);
	db.pragma("user_version = 99");
	db.close();
	await t.rejects(insert(t), { code: "FT_NEWER_FORMAT", message: /a\.tape: .*version 99.*: update/ });
	await t.rejects(insert(t, { tape: "b.tape" }), { message: /b\.tape: / });
	await (await insert(t, { tape: "c.tape" })).eject();
});

t.test("a folder that cannot be written, while recording", async (t) => {
	t.testdir({ file: "" });
	await t.rejects(insert(t, { dir: "file", mode: "once" }), { code: "FT_IO", message: /a\.tape: cannot be written: / });
});

t.test("an engine that dies fails the test, and the next tape has a new one", async (t) => {
	t.testdir();
	const tape = await insert(t);
	await threadState().thread?.worker.terminate();
	await t.rejects(tape.check(), { message: /^a user: the engine of flowtape ended: / });
	await t.rejects(tape.eject(), { message: /the engine of flowtape ended/ });
	const next = await insert(t);
	t.equal((await fetch("http://api.example.test/")).status, 404);
	await next.eject();
});

t.test("requests that are open when the tape is ejected are listed", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const warnings = warningsFrom(t);
	const tape = await insert(t, { mode: "once" });
	const request = get(`${server.url}/hang`);
	const failed = once(request, "error");
	await server.hung();
	await tape.eject();
	t.match(
		await warnings.next(),
		/^a user: 1 request was open when the tape was ejected, after 500 ms:\n {2}GET .*\/hang/,
	);
	await failed;
});

t.test("a request after the tape was ejected is logged", async (t) => {
	t.testdir();
	const warnings = warningsFrom(t);
	const file = join(t.testdirName, "failures.test.ts");
	const tape = await insertTape({ file, name: "a user" }, { mode: "none" });
	await tape.eject();
	await fetch("http://127.0.0.1:65534/late").catch(() => {});
	t.match(
		await warnings.next(),
		/^a user: a request was made after the tape was ejected, .*: GET http:\/\/127\.0\.0\.1:65534\/late\n.*failures\.test\./,
	);
	// the next tape ends the watch
	await (await insert(t)).eject();
});

t.test("node:net is mocked", async (t) => {
	t.testdir();
	const { connect } = Socket.prototype;
	const mocked = Object.assign(() => new Socket(), { mock: {} });
	Socket.prototype.connect = mocked as unknown as typeof connect;
	t.teardown(() => {
		Socket.prototype.connect = connect;
	});
	await t.rejects(insert(t), { message: /^the module node:net is mocked.*: remove the mock/ });
});

t.test("another tool patches net after the tape was inserted", async (t) => {
	t.testdir();
	const warnings = warningsFrom(t);
	const tape = await insert(t);
	const { connect } = Socket.prototype;
	Socket.prototype.connect = function (this: Socket, ...args: never[]) {
		return Reflect.apply(connect, this, args);
	} as typeof connect;
	await tape.eject();
	t.match(await warnings.next(), /^another tool .* patched .*Socket\.prototype\.connect while a tape was inserted/);
});

t.test("what is no HTTP is refused where no tape can answer it, with the option", async (t) => {
	t.testdir();
	const tape = await insert(t);
	const socket = new Socket().connect(5432, "203.0.113.1");
	socket.on("connect", () => socket.write("\0\0\0\x08\x04\xd2\x16\x2f"));
	await once(socket, "error");
	await t.rejects(tape.check(), {
		message: /^a user: a connection to 203\.0\.113\.1:5432 .*passthrough: \["203\.0\.113\.1:5432"\]/,
	});
	await tape.eject();
});

t.test("servers of child processes are not recorded", async (t) => {
	t.testdir();
	const tape = await insert(t, { mode: "once" });
	const program =
		'const s = require("http").createServer((q, r) => r.end("own")).listen(0, "127.0.0.1", () => console.log(s.address().port))';
	const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
	t.teardown(() => child.kill());
	const [port] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
	t.equal(await (await fetch(`http://127.0.0.1:${port.trim()}/`)).text(), "own");
	await tape.check();
	t.match(await tape.eject(), { recorded: 0, own: 1 });
});

t.test("servers of this process are not recorded", async (t) => {
	t.testdir();
	const tape = await insert(t);
	const server = createServer((socket) => socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"));
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	t.teardown(() => server.close());
	const { port } = server.address() as { port: number };
	t.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 204);
	await tape.check();
	t.match(await tape.eject(), { missed: 0, served: 0 });
});
