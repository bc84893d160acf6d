// `flowtape replay-client` against a real server.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t, { type Test } from "tap";
import { command } from "../../commands/replay-client.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

/** A server that sets a session cookie for each client, and requires it later. */
async function startSite(t: Test): Promise<number> {
	let sessions = 0;
	const server = createServer((request, response) => {
		if (request.url === "/login") response.setHeader("Set-Cookie", `sid=fresh${++sessions}`).end();
		else response.writeHead(request.headers.cookie?.includes(`sid=fresh${sessions}`) ? 200 : 403).end(request.url);
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.teardown(() => server.close());
	return (server.address() as AddressInfo).port;
}

t.test("sends recorded requests to another server with its cookies, and skips those that cannot be sent", async (t) => {
	const port = await startSite(t);
	const folder = t.testdir();
	const [tape, output] = [join(folder, "in.tape"), join(folder, "out.jsonl")];
	await writeTape(tape, [
		httpFlow({ request: { path: "/login" }, response: { headers: [["Set-Cookie", "sid=old"]] } }),
		tcpFlow(),
		httpFlow({
			request: {
				path: "/page",
				headers: [
					["Host", "example.com"],
					["Cookie", "sid=old"],
				],
			},
		}),
		httpFlow({ request: { path: "/none", body: null } }),
		httpFlow({ request: { path: "/left-out" } }),
	]);
	const { status, err } = await runCaptured(command, [
		tape,
		"-o",
		output,
		"--to",
		`http://127.0.0.1:${port}`,
		"-f",
		"!~u left-out",
		"-v",
	]);
	t.equal(status, 0);
	t.match(
		err,
		/is not sent: it is tcp[\s\S]*is not sent: its request's body was not recorded[\s\S]*sent 2, failed 0, skipped 2\n$/,
	);
	const { flows } = await readTape(output);
	t.match(flows, [
		{ request: { path: "/login" } },
		{ isReplay: "request", request: { path: "/page", port }, response: { statusCode: 200 } },
	]);
});

t.test("events and counts as JSON", async (t) => {
	const port = await startSite(t);
	const tape = join(t.testdir(), "in.tape");
	await writeTape(tape, [
		httpFlow({ request: { host: "127.0.0.1", port } }),
		httpFlow({ request: { host: "127.0.0.1", port: 1 } }),
	]);
	const { status, out } = await runCaptured(command, [tape, "--json", "--concurrency", "-1"]);
	t.equal(status, 1);
	const events = out
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line));
	t.match(events.at(-1), { event: "end", sent: 2, failed: 1, skipped: 0 });
	t.equal(events.filter(({ event }) => event === "flow").length, 2);
});

t.test("invalid servers", async (t) => {
	for (const to of ["localhost", "ftp://localhost"])
		t.match(await runCaptured(command, ["x.tape", "--to", to]), {
			status: 2,
			err: new RegExp(`--to: expected a server.s URL such as .*found "${to}"`),
		});
});

t.test("a progress bar on a terminal is erased before other output", async (t) => {
	const port = await startSite(t);
	const tape = join(t.testdir(), "in.tape");
	await writeTape(
		tape,
		["/1", "/2", "/3", "/4", "/5"].map((path) => httpFlow({ request: { path } })),
	);
	const argv = [tape, "--to", `http://127.0.0.1:${port}`, "--rate", "3"];
	const { err } = await runCaptured(command, argv, { isTTY: true });
	t.match(err, /[1-5] flows/);
	t.ok(err.endsWith("\u001b[K\r\u001b[K\rsent 5, failed 0, skipped 0\n"));
	t.equal((await runCaptured(command, [...argv, "-q"], { isTTY: true })).err, "");
	t.equal((await runCaptured(command, argv)).err, "sent 5, failed 0, skipped 0\n");
});

t.test("--id sends only the named flows of several tapes; with an unknown id, nothing is sent", async (t) => {
	const port = await startSite(t);
	const folder = t.testdir();
	const [first, second, output] = [join(folder, "a.tape"), join(folder, "b.mitm"), join(folder, "out.jsonl")];
	const at = (id: string, path: string) => httpFlow({ id, request: { host: "127.0.0.1", port, path } });
	await writeTape(first, [at("aaaa", "/a"), at("abbb", "/b")]);
	await writeTape(second, [at("cccc", "/c"), at("dddd", "/d")]);
	const sent = async (...argv: string[]) => {
		const { status, err } = await runCaptured(command, [first, second, "-o", output, ...argv]);
		return {
			status,
			err,
			paths: (await readTape(output)).flows.map((flow) => flow.type === "http" && flow.request.path),
		};
	};
	t.match(await sent("--id", "ab", "--id", "c"), { status: 0, err: /sent 2, failed 0/, paths: ["/b", "/c"] });
	t.same(
		(await sent("--id", "a", "-f", "!~u /a")).paths,
		["/b", "/c", "/b"],
		"together with a filter; -o is appended to",
	);
	const unknown = await sent("--id", "d", "--id", "zz");
	t.match(unknown, { status: 1, err: `${first}, ${second}: no flow whose id begins with zz` });
	t.equal(unknown.paths.length, 3);
});

t.test("a server that cannot be reached ends with status 1", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "in.tape");
	await writeTape(tape, [httpFlow({ request: { path: "/a" } })]);
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	server.close();
	await once(server, "close");
	const send = (...argv: string[]) => runCaptured(command, [tape, "--to", `http://127.0.0.1:${port}`, ...argv]);
	t.match(await send(), { status: 1, err: /sent 1, failed 1, skipped 0\n$/ });
	t.match(await send("-q"), { status: 1 });
	const output = join(folder, "failed.tape");
	await send("-o", output);
	t.match((await readTape(output)).flows, [{ response: null, error: { message: /ECONNREFUSED/ } }]);
});
