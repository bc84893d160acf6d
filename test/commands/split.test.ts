// `flowtape split` writes one tape for each value, and never replaces a file.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/split.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

const at = (id: string, host: string, more: Parameters<typeof httpFlow>[0] = {}) =>
	httpFlow({ id, request: { host }, ...more });

t.test("one tape for each host, in the format of the input; the tapes are printed", async (t) => {
	const folder = t.testdir();
	const [tape, output] = [join(folder, "in.mitm"), join(folder, "out", "deep")];
	await writeTape(tape, [at("a1", "a.example"), at("b1", "B.example"), at("a2", "A.EXAMPLE"), tcpFlow({ id: "c1" })]);
	t.same(await runCaptured(command, [tape, "--by", "host", "-o", output]), {
		status: 0,
		out: [
			["a.example", 2],
			["b.example", 1],
			["example.com", 1],
		]
			.map(([host, flows]) => `${String(flows).padStart(8)}  ${join(output, `${host}.mitm`)}\n`)
			.join(""),
		err: "",
	});
	t.same(readdirSync(output).sort(), ["a.example.mitm", "b.example.mitm", "example.com.mitm"]);
	t.same(
		(await readTape(join(output, "a.example.mitm"), { format: "mitm" })).flows.map(({ id }) => id),
		["a1", "a2"],
	);
});

t.test("by status, method, type and session; --format, -f and -q; flows without a value", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "in.tape");
	await writeTape(tape, [
		at("a", "a.example", { session: "worker/1", response: { statusCode: 404 } }),
		at("b", "a.example", { session: "worker:1", response: null }),
		tcpFlow({ id: "c" }),
	]);
	const names = async (by: string, ...more: string[]) => {
		const output = join(folder, `${by}${more.length}`);
		const { status, out } = await runCaptured(command, [tape, "--by", by, "-o", output, ...more]);
		t.equal(status, 0);
		return { out, names: readdirSync(output).sort() };
	};
	t.same((await names("status")).names, ["404.tape", "no-status.tape"]);
	t.same((await names("method")).names, ["GET.tape", "no-method.tape"]);
	t.same((await names("type")).names, ["http.tape", "tcp.tape"]);
	t.same((await names("session")).names, ["no-session.tape", "worker_1-2.tape", "worker_1.tape"]);
	t.same(await names("session", "--format", "jsonl", "-f", "~c 404", "-q"), { out: "", names: ["worker_1.jsonl"] });
	t.match((await readTape(join(folder, "session5", "worker_1.jsonl"))).flows, [{ id: "a", session: "worker/1" }]);
	t.match(await runCaptured(command, [tape, "--by", "host", "-f", "~c 500", "-o", join(folder, "x")]), {
		status: 1,
		out: "",
	});
});

t.test("existing files are kept: a name in use gets a number", async (t) => {
	const folder = t.testdir({ "a.example.jsonl": "mine" });
	const tape = join(folder, "in.jsonl");
	await writeTape(tape, [at("a1", "a.example")]);
	const run = () => runCaptured(command, [tape, "--by", "host", "-o", folder]);
	t.match((await run()).out, /a\.example-2\.jsonl\n$/);
	t.match((await run()).out, /a\.example-3\.jsonl\n$/);
	t.equal(readFileSync(join(folder, "a.example.jsonl"), "utf8"), "mine");
});

t.test("hosts that look like paths out of the folder", async (t) => {
	const folder = t.testdir({ out: {} });
	const tape = join(folder, "in.jsonl");
	const hosts = ["../up", "/etc/x", "..", "a\\..\\b", ".rc"];
	await writeTape(
		tape,
		hosts.map((host, i) => at(`f${i}`, host)),
	);
	t.equal((await runCaptured(command, [tape, "--by", "host", "-o", join(folder, "out")])).status, 0);
	t.equal(readdirSync(join(folder, "out")).length, hosts.length);
	t.same(readdirSync(folder).sort(), ["in.jsonl", "out"]);
	for (const name of readdirSync(join(folder, "out"))) t.notMatch(name, /^\.|\.\./);
});

t.test("more values than open files: every flow is written in order with its body", async (t) => {
	const folder = t.testdir();
	const [tape, output] = [join(folder, "in.tape"), join(folder, "out")];
	const flows = Array.from({ length: 300 }, (_, i) =>
		at(`f${i}`, `h${i % 100}.example`, { response: { body: `body ${i}` } }),
	);
	await writeTape(tape, flows);
	t.equal((await runCaptured(command, [tape, "--by", "host", "-o", output])).status, 0);
	t.equal(readdirSync(output).length, 100);
	for (const n of [0, 63, 64, 99]) {
		const read = (await readTape(join(output, `h${n}.example.tape`))).flows;
		t.same(
			read.map((flow) => [flow.id, flow.type === "http" && flow.response?.text]),
			[n, n + 100, n + 200].map((i) => [`f${i}`, `body ${i}`]),
		);
	}
});

t.test("flows before the damage are kept, with status 3", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "in.jsonl");
	await writeTape(tape, [at("a1", "a.example")]);
	writeFileSync(tape, `${readFileSync(tape, "utf8")}{"request":\n`);
	t.equal((await runCaptured(command, [tape, "--by", "host", "-o", join(folder, "out")])).status, 3);
	t.ok(existsSync(join(folder, "out", "a.example.jsonl")));
});

t.test("errors are reported before anything is written", async (t) => {
	const folder = t.testdir({ file: "", empty: "" });
	const tape = join(folder, "in.tape");
	await writeTape(tape, [at("a1", "a.example")]);
	const run = (...argv: string[]) => runCaptured(command, argv);
	t.match(await run(tape), { status: 2, err: /expected --by with one of host, status, method, type, session/ });
	t.match(await run(tape, "--by", "colour"), { status: 2, err: /host, status/ });
	t.match(await run("-", "--by", "host"), { status: 2, err: /--format/ });
	t.match(await run(tape, "--by", "host", "-o", join(folder, "file")), {
		status: 4,
		err: /the folder cannot be created/,
	});
	t.match(await run(join(folder, "none"), "--by", "host", "-o", join(folder, "out")), { status: 4 });
	t.notOk(existsSync(join(folder, "out")));
	t.match(await run(join(folder, "empty"), "--by", "host", "-o", join(folder, "out")), { status: 1, out: "" });
	t.match(
		await runCaptured(command, [tape, "--by", "host", "-o", join(folder, "late")], { signal: AbortSignal.abort(130) }),
		{
			status: 130,
			out: "",
		},
	);
	t.same(existsSync(join(folder, "late")) ? readdirSync(join(folder, "late")) : [], []);
});

t.test("a pipe, which can be read only once, needs --format", async (t) => {
	const pipe = join(t.testdir(), "pipe.mitm");
	spawnSync("mkfifo", [pipe]);
	t.match(await runCaptured(command, [pipe, "--by", "host"]), { status: 2, err: /flows from a pipe: --format FORMAT/ });
});
