// `flowtape replay-client --compare`: compares new responses of a real server with recorded ones.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { command } from "../../../commands/replay-client.ts";
import { type HttpParts, httpFlow, tcpFlow } from "../../../fixtures/build-flow.ts";
import { runCaptured } from "../../../fixtures/run-captured.ts";
import { writeTape } from "../../../fixtures/tape-files.ts";

/** Answers with compressed JSON that contains a counter; closes the connection for /gone. */
async function startSite(t: Test): Promise<number> {
	let count = 0;
	const server = createServer((request, response) => {
		if (request.url === "/gone") request.socket.destroy();
		else
			response
				.writeHead(request.url === "/moved" ? 302 : 200, {
					"content-type": "application/json",
					"content-encoding": "gzip",
					etag: `"${++count}"`,
				})
				.end(gzipSync(JSON.stringify({ path: request.url, count })));
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.teardown(() => server.close());
	return (server.address() as AddressInfo).port;
}

async function tapeOf(
	t: Test,
	port: number,
	paths: readonly string[],
	change: HttpParts["response"] = {},
): Promise<string> {
	const tape = join(t.testdir(), "in.tape");
	const headers = [
		["Content-Type", "application/json"],
		["Content-Encoding", "gzip"],
		["ETag", '"old"'],
		["Date", "Tue, 14 Nov 2023 22:13:21 GMT"],
	] as const;
	const answer = (path: string) => ({
		headers,
		body: gzipSync(`{"count": 0, "path": "${path}"}`, { level: 1 }),
		...change,
	});
	await writeTape(tape, [
		...paths.map((path) => httpFlow({ request: { host: "127.0.0.1", port, path }, response: answer(path) })),
		tcpFlow(),
	]);
	return tape;
}

const varying = ["--ignore", "header:etag", "--ignore", "json:/count"];

t.test("no differences except ignored ones", async (t) => {
	const port = await startSite(t);
	const { status, out, err } = await runCaptured(command, [
		await tapeOf(t, port, ["/a", "/b"]),
		"--compare",
		...varying,
	]);
	t.equal(out, "");
	t.match(err, /sent 2, failed 0, skipped 1, differing 0\n$/);
	t.equal(status, 0);
});

t.test("differences in status, headers and body, and a lost connection", async (t) => {
	const port = await startSite(t);
	const tape = await tapeOf(t, port, ["/a", "/moved", "/gone"]);
	const { status, out, err } = await runCaptured(command, [tape, "--compare", "--ignore", "header:etag"]);
	const lines = out.split("\n");
	t.match(lines.shift(), /^~ GET http:\/\/127\.0\.0\.1\/a [0-9a-f-]{8}$/);
	t.strictSame(lines.splice(0, 1), ["    response json /count: 0 → 1"]);
	t.match(lines.splice(0, 3), [/moved/, "    response status: 200 → 302", "    response json /count: 0 → 2"]);
	t.match(lines, [/gone/, /response error: \(none\) → the server closed/, "    response status: 200 → (none)", ""]);
	t.match(err, /sent 3, failed 1, skipped 1, differing 3\n$/);
	t.equal(status, 1);
});

t.test("--json and --junit", async (t) => {
	const port = await startSite(t);
	const tape = await tapeOf(t, port, ["/a", "/moved"]);
	const junit = `${tape}.xml`;
	const { status, out } = await runCaptured(command, [tape, "--compare", "--json", "--junit", junit, ...varying]);
	const events = out
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line));
	t.match(
		events.filter(({ event }) => event === "difference"),
		[
			{
				change: "changed",
				url: "http://127.0.0.1/moved",
				differences: [{ side: "response", part: "status", name: null, before: "200", after: "302" }],
			},
		],
	);
	t.match(events.at(-1), { event: "end", sent: 2, differing: 1 });
	t.equal(status, 1);
	const xml = readFileSync(junit, "utf8");
	t.match(xml, '<testsuite name="flowtape compare" tests="3" failures="1" errors="0" skipped="1">');
	t.match(xml, 'name="GET http://127.0.0.1/a"/>');
	t.match(xml, '<failure message="1 difference">response status: 200 → 302\n</failure>');
	t.match(xml, '<skipped message="it is tcp, not HTTP"/>');
});

t.test("invalid options", async (t) => {
	t.match(await runCaptured(command, ["x.tape", "--compare", "--ignore", "etag"]), {
		status: 2,
		err: /expected .*, a colon and a name/,
	});
	t.match(await runCaptured(command, ["x.tape", "--compare", "-o", "-"]), { status: 2, err: /cannot be the tape too/ });
	const tape = await tapeOf(t, 1, []);
	t.match(await runCaptured(command, [tape, "--compare", "--junit", tape]), { status: 2, err: /would be overwritten/ });
	const { status, err } = await runCaptured(command, [tape, "--junit", "x.xml"]);
	t.match(err, /--junit and --ignore need --compare: no report is written/);
	t.equal(status, 0);
});
