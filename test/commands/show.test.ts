// `flowtape show` prints flows in full: all, or those selected by id.
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/show.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

const folder = t.testdir({ empty: "" });
const tape = join(folder, "session.tape");
const run = (...argv: string[]) => runCaptured(command, argv);

t.before(async () => {
	await writeTape(tape, [
		httpFlow({ id: "aaaa-1", response: { headers: [["Content-Type", "application/json"]], body: '{"a":[1]}' } }),
		httpFlow({ id: "aabb-2", request: { path: "/two" } }),
		tcpFlow({ id: "cccc-3" }),
	]);
});

t.test("all flows, separated by empty lines, with formatted bodies", async (t) => {
	const { status, out } = await run(tape);
	t.equal(status, 0);
	t.match(out, /^aaaa-1 GET http:\/\/example.com\/ 200 application\/json 9b 300ms\nid {6}aaaa-1\n/);
	t.match(
		out,
		/\n\nGET \/ HTTP\/1.1\nHost: example.com\n\nHTTP\/1.1 200 OK\nContent-Type: application\/json\n\n\{\n {2}"a": \[\n {4}1\n {2}\]\n\}\n\naabb-2 /,
	);
	t.match(out, /\ncccc-3 TCP example.com:80 2 messages 10b\n/);
});

t.test("flows by prefixes of their ids; an unknown one is status 1", async (t) => {
	const two = await run(tape, "aab", "c");
	t.equal(two.status, 0);
	t.same(two.out.match(/^id .*$/gm), ["id      aabb-2", "id      cccc-3"]);
	const some = await run(tape, "aab", "dd", "ee");
	t.equal(some.status, 1);
	t.equal(some.err, `flowtape: ${tape}: no flow whose id begins with dd, ee\n`);
	t.match(some.out, /^aabb-2/);
});

t.test("-f selects matching flows; status 1 if there are none", async (t) => {
	t.match((await run(tape, "-f", "~u two")).out, /^aabb-2 /);
	t.same(await run(tape, "-f", "~c 404"), { status: 1, out: "", err: "" });
	t.equal((await run(tape, "-f", "~u TWO", "--case-sensitive-filters")).status, 1);
	t.equal((await run(join(folder, "empty"))).status, 1);
	t.equal((await run(tape, "-f", "~c")).status, 2);
});

t.test("--json prints a line per flow", async (t) => {
	const lines = (await run(tape, "aa", "--json")).out.trimEnd().split("\n");
	t.same(
		lines.map((line) => JSON.parse(line).id),
		["aaaa-1", "aabb-2"],
	);
});

t.test("an incomplete flow is marked by its recorded end, even without an error", async (t) => {
	const cut = join(t.testdir(), "a.jsonl");
	await writeTape(cut, [
		httpFlow({ id: "aaaa", ended: "cut" }),
		httpFlow({ id: "bbbb", ended: "server", error: { message: "late", timestamp: 1 } }),
	]);
	t.match(
		(await run(cut)).out,
		/^aaaa [^\n]* incomplete\n[\s\S]*\nended {3}its response is incomplete: it was cut off\n[\s\S]*\nbbbb [^\n]* 300ms late\n/,
	);
	t.match(await run(cut, "aaaa", "--raw"), {
		status: 0,
		err: /^flowtape: flow aaaa: its response is incomplete: it was cut off\n$/,
	});
});
