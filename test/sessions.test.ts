// Recorded by test, replayed by test: the commands that know the sessions of clients.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { command as convert } from "../commands/convert.ts";
import { command as explain } from "../commands/explain.ts";
import { command as filter } from "../commands/filter.ts";
import { command as prune } from "../commands/prune.ts";
import { command as record } from "../commands/record.ts";
import { command as replayServer } from "../commands/replay-server.ts";
import { command as rewrite } from "../commands/rewrite.ts";
import { command as show } from "../commands/show.ts";
import { command as stats } from "../commands/stats.ts";
import { httpFlow } from "../fixtures/build-flow.ts";
import { askThrough, startSite } from "../fixtures/plain-site.ts";
import { runCaptured, startCaptured } from "../fixtures/run-captured.ts";
import { readTape, writeTape } from "../fixtures/tape-files.ts";

const env = { FLOWTAPE_HOME: join(t.testdir(), "home") };
const named = (user: string) => ({ "Proxy-Authorization": `Basic ${Buffer.from(`${user}:x`).toString("base64")}` });
const names = async (tape: string) => (await readTape(tape)).flows.map(({ session }) => session);
const recorded = (id: string, session: string | null, path = "/a") =>
	httpFlow({ id, session, request: { path }, response: { body: `${session ?? "nobody"} ${id}` } });

t.test("two workers record the same request and get their own answers, in any order", async (t) => {
	let count = 0;
	const site = await startSite(t);
	const tape = join(t.testdir(), "session.tape");
	const recorder = await startCaptured(record, [tape], { env });
	for (const worker of ["gw0", "gw1"])
		for (const path of ["/1", "/2"]) {
			await askThrough(recorder, `${site.url}${path}?n=${count++}`, { headers: named(worker) });
		}
	await recorder.stop();
	t.strictSame(await names(tape), ["gw0", "gw0", "gw1", "gw1"]);
	const player = await startCaptured(replayServer, [tape, "--ignore-params", "n", "--order", "sequence"], { env });
	const ask = async (worker: string, path: string) =>
		(await askThrough(player, `${site.url}${path}?n=x`, { headers: named(worker) })).body;
	await site.close();
	t.equal(await ask("gw1", "/1"), "GET /1?n=2");
	t.equal(await ask("gw0", "/2"), "GET /2?n=1");
	t.equal(await ask("gw1", "/2"), "GET /2?n=3");
	t.equal(await ask("gw0", "/1"), "GET /1?n=0");
	t.equal(await ask("gw7", "/1"), "GET /1?n=0", "a name without recordings gets all in order");
	t.match((await player.stop()).err, "served 5, missed 0, unused 0, egress 0");
});

t.test("--session and FLOWTAPE_SESSION name the session of clients that name none", async (t) => {
	const site = await startSite(t);
	const folder = t.testdir();
	for (const [argv, more, expected] of [
		[["--session", "shard 1"], {}, ["shard 1", "gw0"]],
		[[], { FLOWTAPE_SESSION: "shard 2" }, ["shard 2", "gw0"]],
		[["--session", "shard 3"], { FLOWTAPE_SESSION: "shard 2" }, ["shard 3", "gw0"]],
		[["--proxyauth", "any"], { FLOWTAPE_SESSION: "shard 2" }, [null, "shard 2"]],
		[["--proxyauth", "any"], {}, [null, "gw0"]],
	] as const) {
		const tape = join(folder, `${argv.join("")}${Object.keys(more).length}.jsonl`);
		const recorder = await startCaptured(record, [tape, ...argv], { env: { ...env, ...more } });
		await askThrough(recorder, `${site.url}/1`);
		await askThrough(recorder, `${site.url}/2`, { headers: named("gw0") });
		await recorder.stop();
		// a client without credentials is refused, and belongs to nobody
		t.strictSame(await names(tape), expected[0] === null && more.FLOWTAPE_SESSION ? ["shard 2", "shard 2"] : expected);
	}
});

t.test("upstream mode: the credentials go to the next proxy, unless they are configured", async (t) => {
	const site = await startSite(t);
	const folder = t.testdir();
	for (const [argv, expected] of [
		[[], ["gw0"]],
		[["--upstream-auth", "company:secret"], ["company"]],
	] as const) {
		const [near, far] = [join(folder, `near${argv.length}.jsonl`), join(folder, `far${argv.length}.jsonl`)];
		const next = await startCaptured(record, [far], { env });
		const mode = `upstream:http://127.0.0.1:${next.port}`;
		const recorder = await startCaptured(record, [near, "-m", mode, ...argv], { env });
		await askThrough(recorder, `${site.url}/1`, { headers: named("gw0") });
		await recorder.stop();
		await next.stop();
		t.strictSame([await names(near), await names(far)], [["gw0"], expected]);
		t.notMatch(readFileSync(near, "utf8"), /proxy-auth/i);
	}
});

t.test("own-only: the explanation of a miss names the session; explain knows sessions too", async (t) => {
	const tape = join(t.testdir(), "session.tape");
	await writeTape(tape, [recorded("one", "gw0"), recorded("two", "gw1")]);
	const player = await startCaptured(replayServer, [tape, "--session-order", "own-only"], { env });
	const answer = await askThrough(player, "http://example.com/a", { headers: named("gw2") });
	t.match(answer, {
		status: 404,
		body: /session: recorded "gw0", sent "gw2"\n +would answer with --session-order own-first/,
	});
	t.match((await player.stop()).err, "served 0, missed 1, unused 2, egress 0");
	const request = ["--request", "http://example.com/a"];
	t.match(await runCaptured(explain, [tape, ...request, "--session", "gw1"], { env }), {
		status: 0,
		out: /answered by flow two\n2 recordings are equal, and each recording answers once, those of the session first:\n {2}one .*\(session gw0\)\n→ two .*\(session gw1\)/,
	});
	t.match(await runCaptured(explain, [tape, ...request], { env: { ...env, FLOWTAPE_SESSION: "gw1" } }), {
		out: /answered by flow two/,
	});
	t.match(await runCaptured(explain, [tape, ...request, "--session-order", "own-only"], { env }), {
		status: 1,
		out: /session: recorded "gw0", sent nothing/,
	});
});

t.test("show, stats, filter and prune know sessions, and print them safely", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "session.tape");
	await writeTape(tape, [
		recorded("one", "gw0"),
		recorded("two", "gw\u001b[31m1"),
		recorded("three", null),
		recorded("four", "gw0"),
	]);
	t.match((await runCaptured(show, [tape, "one"])).out, /^session +gw0$/m);
	t.match((await runCaptured(show, [tape, "two"])).out, /^session +gw␛\[31m1$/m);
	t.notMatch((await runCaptured(show, [tape, "three"])).out, /^session/m);
	t.match((await runCaptured(stats, [tape])).out, /\nSessions\n +2 +\S+ +gw0\n +1 +\S+ +gw␛\[31m1\n/);
	t.match(JSON.parse((await runCaptured(stats, [tape, "--json"])).out), { sessions: [{ name: "gw0", flows: 2 }, {}] });
	const found = await runCaptured(filter, ['~meta "^session: gw0$"', tape, "--json"]);
	t.strictSame(
		found.out
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line).id),
		["one", "four"],
	);
	const report = join(folder, "report.jsonl");
	const player = await startCaptured(replayServer, [tape, "--report", report], { env });
	await askThrough(player, "http://example.com/a", { headers: named("gw0") });
	await player.stop();
	t.match(readFileSync(report, "utf8"), /"event":"served".*"session":"gw0"/);
	t.match(await runCaptured(prune, [tape, "--unused", report, "-o", join(folder, "small.tape")]), {
		err: /dropped 3 of 4 flows \(session gw␛\[31m1 1, gw0 1\)|dropped 3 of 4 flows \(session gw0 1, gw␛\[31m1 1\)/,
	});
});

t.test("all formats keep the session", async (t) => {
	const folder = t.testdir();
	const first = join(folder, "0.tape");
	await writeTape(first, [recorded("one", "Zoë's test"), recorded("two", null)]);
	let last = first;
	for (const [n, format] of ["mitm", "har", "jsonl", "tape"].entries()) {
		const next = join(folder, `${n + 1}.${format}`);
		t.match(await runCaptured(convert, [last, next]), { status: 0 });
		t.strictSame(await names(next), ["Zoë's test", null], format);
		last = next;
	}
	const changed = join(folder, "changed.har");
	await runCaptured(rewrite, [last, "-o", changed, "--set-status", "201"]);
	t.strictSame(await names(changed), ["Zoë's test", null]);
});
