// `flowtape filter` prints, counts or writes matching flows. Its exit status is 1 if there are none.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/filter.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

const flows = [
	httpFlow({
		id: "11111111-a",
		request: { method: "POST", path: "/form" },
		response: { statusCode: 500, body: "Oh No" },
	}),
	httpFlow({ id: "22222222-b", request: { host: "shop.example" } }),
	httpFlow({ id: "33333333-c", response: null, error: { message: "refused", timestamp: 1 } }),
];

const folder = t.testdir({ empty: "", "damaged.jsonl": "" });
const tape = join(folder, "session.mitm");
const run = (...argv: string[]) => runCaptured(command, argv);

t.before(async () => {
	await writeTape(tape, flows);
});

t.test("prints a line for each matching flow, in the order of the tape", async (t) => {
	const { status, out, err } = await run("~d example", tape);
	t.match(out.split("\n"), [
		/^11111111 POST http:\/\/example.com\/form 500 /,
		/^22222222 GET http:\/\/shop.example\/ 200 /,
		/^33333333 .* refused$/,
		/^$/,
	]);
	t.same({ status, err }, { status: 0, err: "" });
});

t.test("status 1 if no flow matches, also for an empty tape", async (t) => {
	t.same(await run("~c 404", tape), { status: 1, out: "", err: "" });
	t.same(await run("~all", join(folder, "empty")), { status: 1, out: "", err: "" });
});

t.test("--json prints the flow and its URL, --count only a number", async (t) => {
	const { out } = await run("~s", tape, "--json");
	const [first, second, ...rest] = out.split("\n");
	t.match(JSON.parse(first ?? ""), {
		id: "11111111-a",
		type: "http",
		request: { method: "POST", url: "http://example.com/form" },
		response: { status: 500 },
	});
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

t.test("a tape without an expression, if stdin is a terminal", async (t) => {
	const spaced = join(t.testdir({ "a b.tape": "" }), "a b.tape");
	const from = (argv: string[]) => runCaptured(command, argv, { isStdinTTY: true });
	t.same(await from([spaced]), {
		status: 2,
		out: "",
		err: `flowtape: give an expression first: flowtape filter '~all' '${spaced}'\n`,
	});
	t.match(await from([spaced, "--explain"]), { status: 0 });
	t.match(await from(["~all", tape]), { status: 0 });
});

t.test("-o writes a tape and prints the number of flows, except with -q or to stdout", async (t) => {
	const output = join(folder, "out.jsonl");
	t.same(await run("~s", tape, "-o", output), {
		status: 0,
		out: "",
		err: `wrote 2 flows to ${output}\n`,
	});
	t.same(
		(await readTape(output)).flows.map(({ id }) => id),
		["11111111-a", "22222222-b"],
	);
	t.equal((await run("~s", tape, "-o", output, "-q")).err, "");
	t.match(await run("~u nowhere", tape, "-o", output), { status: 1, err: `wrote 0 flows to ${output}\n` });
	t.equal((await run("~s", tape, "-o", output, "--count")).out, "2\n");
});

t.test("colours on a terminal, unless NO_COLOR or --no-color is given", async (t) => {
	const print = async (env: NodeJS.ProcessEnv, ...more: string[]) =>
		(await runCaptured(command, ["~c 500", tape, ...more], { env, isTTY: true })).out;
	t.match(await print({}), "\u001b[31m500\u001b[39m");
	t.notMatch(await print({ NO_COLOR: "1" }), "\u001b");
	t.notMatch(await print({}, "--no-color"), "\u001b");
	t.notMatch(await print({}, "--json"), "\u001b");
});

t.test("an invalid expression is status 2, with the column", async (t) => {
	const { status, err } = await run("~s & ~c nine", tape);
	t.equal(status, 2);
	t.match(err, /^flowtape: filter "~s & ~c nine", column 9: .*number/);
});

t.test("options without an effect are errors", async (t) => {
	for (const argv of [
		["--format", "mitm"],
		["--dump-version", "21"],
		["-o", join(folder, "x.tape"), "--json"],
	]) {
		const { status, err } = await run("~s", tape, ...argv);
		t.equal(status, 2, argv.join(" "));
		t.match(err, /^flowtape: filter: .*(expected|need) /);
	}
});

t.test("--help lists the operators", async (t) => {
	const { out } = await run("--help");
	t.match(out, /\n {2}~hq REGEX +the header lines of the request\n/);
	t.match(out, /\n {2}~c NUMBER /);
});

t.test("an interrupted command prints no result", async (t) => {
	t.same(await runCaptured(command, ["~s", tape, "--count"], { signal: AbortSignal.abort(130) }), {
		status: 130,
		out: "",
		err: "",
	});
});

t.test("--limit selects the first flows of all tapes, and reads no further", async (t) => {
	t.match((await run("~all", tape, "--limit", "2")).out, /^11111111 .*\n22222222 .*\n$/);
	t.same(await run("~all", tape, tape, "--limit", "4", "--count"), { status: 0, out: "4\n", err: "" });
	t.same(await run("~all", tape, "--limit", "9", "--count"), { status: 0, out: "3\n", err: "" });
	t.same(await run("~c 404", tape, "--limit", "2"), { status: 1, out: "", err: "" });
	const output = join(folder, "first.tape");
	await run("~d shop", tape, tape, "--limit", "1", "-o", output);
	t.same(
		(await readTape(output)).flows.map(({ id }) => id),
		["22222222-b"],
	);
	const cut = join(folder, "cut.jsonl");
	writeFileSync(cut, `${(await run("~c 500", tape, "--json")).out}{"request":`);
	t.equal((await run("~all", cut, "--limit", "1")).status, 0, "damage after the last requested flow");
	t.equal((await run("~all", cut)).status, 3);
});

t.test("--sample selects flows in the order of the tape, the same ones for the same --seed", async (t) => {
	const many = join(folder, "many.tape");
	await writeTape(
		many,
		Array.from({ length: 200 }, (_, i) => httpFlow({ id: `${1000 + i}`, request: { path: `/${i}` } })),
	);
	const sampled = async (...more: string[]) => (await run("~all", many, "--sample", "20", ...more)).out;
	const first = await sampled("--seed", "7");
	const ids = first
		.split("\n")
		.slice(0, -1)
		.map((line) => line.slice(0, 4));
	t.equal(ids.length, 20);
	t.same(ids, [...ids].sort());
	t.equal(await sampled("--seed", "7"), first);
	t.not(await sampled("--seed", "8"), first);
	t.equal(await sampled("--count"), "20\n");
	t.equal((await run("~u /1..$", many, "--sample", "500", "--count")).out, "100\n", "all, if there are fewer");
	const output = join(folder, "sample.jsonl");
	await run("~all", many, "--sample", "20", "--seed", "7", "-o", output);
	t.same(
		(await readTape(output)).flows.map((flow) => [flow.id, flow.type === "http" && flow.response?.text]),
		ids.map((id) => [id, "hello"]),
	);
});

t.test("--csv prints a table with the named columns", async (t) => {
	t.same(await run("~c 500", tape, "--csv", "--columns", "id,request.method,request.url,response.status"), {
		status: 0,
		out: "id,request.method,request.url,response.status\n11111111-a,POST,http://example.com/form,500\n",
		err: "",
	});
	const lines = (await run("~all", tape, "--csv")).out.split("\n");
	t.equal(
		lines[0],
		"id,type,time,request.method,request.url,response.status,response.content_type,size,duration,error.message",
	);
	t.equal(lines[1], "11111111-a,http,2023-11-14T22:13:20.100Z,POST,http://example.com/form,500,text/plain,5,0.3,");
	t.match(lines[3], /,GET,http:\/\/example\.com\/,,,,,refused$/);
	t.match(await run("~c 404", tape, "--csv"), { status: 1, out: /^id,[^\n]*\n$/ });
	t.same(await run("~s", tape, "--csv", "--count"), { status: 0, out: "2\n", err: "" });
});

t.test("options that contradict each other, and columns that do not exist", async (t) => {
	const refused = async (...argv: string[]) => {
		const { status, err } = await run("~all", tape, ...argv);
		return { status, err };
	};
	t.match(await refused("--csv", "--json"), {
		status: 2,
		err: /at most one of -o, --json, --csv, found --json and --csv/,
	});
	t.match(await refused("--limit", "1", "--sample", "1"), { status: 2, err: /--limit and --sample/ });
	t.match(await refused("--seed", "1"), { status: 2, err: /--seed needs --sample/ });
	t.match(await refused("--columns", "id"), { status: 2, err: /--columns needs --csv/ });
	t.match(await refused("--csv", "--columns", "id,response.statsu"), {
		status: 2,
		err: /found "response\.statsu"\. Did you mean "response\.status"\?/,
	});
});
