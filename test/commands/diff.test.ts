// `flowtape diff` prints the differences between two tapes. Its exit status is 1 if there are any.
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/diff.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

const folder = t.testdir();
const [first, second] = [join(folder, "first.tape"), join(folder, "second.mitm")];
const run = (...argv: string[]) => runCaptured(command, argv);

t.before(async () => {
	await writeTape(first, [
		httpFlow({ request: { path: "/gone" } }),
		httpFlow({ request: { path: "/a" }, response: { body: '{"n":1}' } }),
		httpFlow(),
		tcpFlow(),
	]);
	await writeTape(second, [
		httpFlow(),
		httpFlow({ request: { path: "/a" }, response: { statusCode: 500, body: '{"n":2}' } }),
		httpFlow({ request: { path: "/new" } }),
	]);
});

t.test("added, removed and changed flows, and status 1", async (t) => {
	const { status, out } = await run(first, second);
	t.equal(status, 1);
	t.match(
		out,
		/^~ GET http:\/\/example\.com\/a .*\n {4}response status: 200 → 500\n {4}response json \/n: 1 → 2\n- GET .*\/gone .*\n\+ GET .*\/new .*\n1 changed, 1 gone, 1 new, 1 the same\n$/,
	);
});

t.test("status 0 if there are no differences, or all are ignored", async (t) => {
	t.match(await run(first, first), { status: 0, out: "0 changed, 0 gone, 0 new, 3 the same\n" });
	t.match(await run(first, second, "-f", "~u com/$"), { status: 0 });
	t.match((await run(first, second, "--ignore", "json:/n")).out, /status: 200 → 500\n-/);
});

t.test("--json", async (t) => {
	const { status, out } = await run(first, second, "--json");
	t.equal(status, 1);
	const [changed, gone, fresh] = out
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line));
	t.match(changed, {
		change: "changed",
		method: "GET",
		differences: [
			{ side: "response", part: "status", name: null, before: "200", after: "500" },
			{ part: "json", name: "/n" },
		],
	});
	t.match([gone, fresh], [{ change: "gone", url: "http://example.com/gone" }, { change: "new" }]);
});

t.test("usage errors", async (t) => {
	t.match(await run(first, second, "--ignore", "date"), { status: 2, err: /--ignore: "date"/ });
	t.match(await run(first, join(folder, "none.tape")), { status: 4 });
});

t.test("an interrupted command prints no result", async (t) => {
	t.same(await runCaptured(command, [first, second], { signal: AbortSignal.abort(130) }), {
		status: 130,
		out: "",
		err: "",
	});
});
