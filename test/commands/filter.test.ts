// `flowtape filter` prints, counts or writes the flows that match, and its exit status says whether there were any.
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/filter.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

const flows = [
	httpFlow({ id: "11111111-a", request: { method: "POST", path: "/form" }, response: { statusCode: 500, body: "Oh No" } }),
	httpFlow({ id: "22222222-b", request: { host: "shop.example" } }),
	httpFlow({ id: "33333333-c", response: null, error: { message: "refused", timestamp: 1 } }),
];

const folder = t.testdir({ empty: "", "damaged.jsonl": "" });
const tape = join(folder, "session.mitm");
const run = (...argv: string[]) => runCaptured(command, argv);

t.before(async () => {
	await writeTape(tape, flows);
});

t.test("prints a line for each flow that matches, in tape order", async (t) => {
	const { status, out, err } = await run("~d example", tape);
	t.match(out.split("\n"), [/^11111111 POST http:\/\/example.com\/form 500 /, /^22222222 GET http:\/\/shop.example\/ 200 /, /^33333333 .* refused$/, /^$/]);
	t.same({ status, err }, { status: 0, err: "" });
});

t.test("nothing that matches is status 1, in an empty tape too", async (t) => {
	t.same(await run("~c 404", tape), { status: 1, out: "", err: "" });
	t.same(await run("~all", join(folder, "empty")), { status: 1, out: "", err: "" });
});

t.test("--json prints the flow and its URL, --count a number alone", async (t) => {
	const { out } = await run("~s", tape, "--json");
	const [first, second, ...rest] = out.split("\n");
	t.match(JSON.parse(first ?? ""), { id: "11111111-a", type: "http", request: { method: "POST", url: "http://example.com/form" }, response: { status: 500 } });
	t.match(JSON.parse(second ?? ""), { id: "22222222-b" });
	t.same(rest, [""]);
	t.same(await run("~s", tape, tape, "--count"), { status: 0, out: "4\n", err: "" });
	t.same(await run("~c 404", tape, "--count"), { status: 1, out: "0\n", err: "" });
});

t.test("--invert-match and --case-sensitive-filters", async (t) => {
	t.equal((await run("~s", tape, "--invert-match", "--count")).out, "1\n");
	t.equal((await run("~b 'oh no'", tape, "--count")).out, "1\n");
	t.equal((await run("~b 'oh no'", tape, "--count", "--case-sensitive-filters")).out, "0\n");
	t.equal((await run("~u x", "--invert-match", "--explain")).out, "not (url matches /x/i)\n");
});

t.test("-o writes a tape and prints nothing, unless asked how much", async (t) => {
	const output = join(folder, "out.jsonl");
	t.same(await run("~s", tape, "-o", output), { status: 0, out: "", err: "" });
	t.same(
		(await readTape(output)).flows.map(({ id }) => id),
		["11111111-a", "22222222-b"],
	);
	t.equal((await run("~s", tape, "-o", output, "-v")).err, "2 flows\n");
	t.equal((await run("~s", tape, "-o", output, "--count")).out, "2\n");
});

t.test("colours on a terminal, unless NO_COLOR or --no-color say otherwise", async (t) => {
	const print = async (env: NodeJS.ProcessEnv, ...more: string[]) => (await runCaptured(command, ["~c 500", tape, ...more], { env, isTTY: true })).out;
	t.match(await print({}), "\u001b[31m500\u001b[39m");
	t.notMatch(await print({ NO_COLOR: "1" }), "\u001b");
	t.notMatch(await print({}, "--no-color"), "\u001b");
	t.notMatch(await print({}, "--json"), "\u001b");
});

t.test("a wrong expression is status 2 and shows the column", async (t) => {
	const { status, err } = await run("~s & ~c nine", tape);
	t.equal(status, 2);
	t.match(err, /^flowtape: filter "~s & ~c nine", column 9: .*number/);
});

t.test("options that would do nothing are refused", async (t) => {
	for (const argv of [
		["--format", "mitm"],
		["--dump-version", "21"],
		["-o", join(folder, "x.tape"), "--json"],
	]) {
		const { status, err } = await run("~s", tape, ...argv);
		t.equal(status, 2, argv.join(" "));
		t.match(err, /^flowtape: filter: .*expected/);
	}
});

t.test("--help lists the operators", async (t) => {
	const { out } = await run("--help");
	t.match(out, /\n {2}~hq REGEX +the header lines of the request\n/);
	t.match(out, /\n {2}~c NUMBER /);
});

t.test("interrupted, it prints no result that looks whole", async (t) => {
	t.same(await runCaptured(command, ["~s", tape, "--count"], { signal: AbortSignal.abort(130) }), { status: 130, out: "", err: "" });
});
