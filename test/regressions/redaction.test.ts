// A tape that was redacted: no byte on disk tells a secret, and the tape still answers requests with other secrets.
import { copyFileSync, openSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { command as convert } from "../../commands/convert.ts";
import { command as explain } from "../../commands/explain.ts";
import { command as filter } from "../../commands/filter.ts";
import { command as rewrite } from "../../commands/rewrite.ts";
import { command as scan } from "../../commands/scan.ts";
import { command as stats } from "../../commands/stats.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { startTestLive } from "../../fixtures/live-proxy.ts";
import { askThrough } from "../../fixtures/plain-site.ts";
import { RandomTokens } from "../../fixtures/random-tokens.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";
import { notationsOf } from "../../src/redact/notations.ts";
import { openStore } from "../../src/store/sqlite/store.ts";

const random = new RandomTokens(9);
const PASSWORD = `Pw/${random.text("alphanumeric", 8)}+x`;
const TOKEN = random.text("alphanumeric", 40);
const json = [["Content-Type", "application/json"]] as const;
const host = "api.example.test";

/** A login, a call with the token in header and query, and one that stands before them and has the token in its text. */
const session = () => [
	httpFlow({ request: { host, path: "/early" }, response: { body: `not yet known: ${TOKEN}` } }),
	httpFlow({
		request: {
			host,
			method: "POST",
			path: "/login",
			headers: [...json],
			body: JSON.stringify({ user: "ann", password: PASSWORD }),
		},
		response: { headers: [...json], body: JSON.stringify({ access_token: TOKEN }) },
	}),
	httpFlow({
		request: { host, path: `/me?api_key=${TOKEN}`, headers: [["Authorization", `Bearer ${TOKEN}`]] },
		response: {
			headers: [...json],
			body: JSON.stringify({ name: "Ann", basic: Buffer.from(`ann:${PASSWORD}`).toString("base64") }),
		},
	}),
];

const notations = [PASSWORD, TOKEN].flatMap(notationsOf).map(({ text }) => text);
const isClean = (path: string) => {
	const bytes = readFileSync(path).toString("latin1");
	return notations.every((text) => !bytes.includes(text));
};

t.test("rewrite --redact, from and to every format, also in place", async (t) => {
	for (const name of ["a.tape", "a.mitm", "a.har", "a.jsonl"]) {
		const folder = t.testdir();
		const env = { FLOWTAPE_HOME: join(folder, "home") };
		const tape = join(folder, name);
		await writeTape(tape, session());
		t.equal((await runCaptured(scan, [tape], { env })).status, 1, `${name}: scan finds secrets before`);
		for (const out of ["b.tape", "b.mitm", "b.har", "b.jsonl"]) {
			const path = join(folder, out);
			t.equal((await runCaptured(rewrite, [tape, "-o", path, "--redact"], { env })).status, 0);
			t.ok(isClean(path), `${name} to ${out}`);
			t.equal((await readTape(path)).flows.length, 3);
		}
		t.equal((await runCaptured(rewrite, [tape, "--in-place", "--redact"], { env })).status, 0);
		t.ok(isClean(tape), `${name} in place`);
		t.equal((await runCaptured(scan, [tape], { env })).status, 0, `${name}: scan finds none after`);
		// compressed content is searched decoded
		const flows = (await readTape(tape)).flows as HttpFlow[];
		const token = (JSON.parse(String(flows[1]?.response?.text)) as { access_token: string }).access_token;
		t.equal(flows[2]?.request.headers.get("authorization"), `Bearer ${token}`);
		t.match(flows[0]?.response?.text, token, "a secret that is learned later");
	}
});

t.test("a replay answers requests with other secrets, and misses print none", async (t) => {
	const folder = t.testdir();
	const env = { FLOWTAPE_HOME: join(folder, "home") };
	const tape = join(folder, "a.tape");
	await writeTape(tape, session());
	await runCaptured(rewrite, [tape, "--in-place", "--redact", "-q"], { env });
	const proxy = await startTestLive(t, { recordings: [tape] });
	const login = await askThrough(proxy, `http://${host}/login`, {
		method: "POST",
		headers: Object.fromEntries(json),
		body: JSON.stringify({ user: "ann", password: "dummy" }),
	});
	t.equal(login.status, 200);
	const token = (JSON.parse(String(login.body)) as { access_token: string }).access_token;
	t.match(token, /^ftr_token_/);
	const me = await askThrough(proxy, `http://${host}/me?api_key=${token}`, {
		headers: { Authorization: `Bearer ${token}` },
	});
	t.equal(me.status, 200, "with the token of the replayed login");
	const miss = await askThrough(proxy, `http://${host}/me?api_key=my-real-key-1&page=2`);
	t.equal(miss.status, 404);
	t.notMatch(String(miss.body), "my-real-key-1");
	t.match(String(miss.body), 'query field "page"');
	const args = [tape, "--request", `curl http://${host}/me?api_key=my-real-key-1 -H 'Authorization: Bearer other'`];
	const explained = await runCaptured(explain, args, { env });
	t.match(explained.out, "is answered by flow");
	t.notMatch(explained.out, "my-real-key-1");
});

t.test("every format keeps the rules for the replay, also after a conversion", async (t) => {
	const folder = t.testdir();
	const env = { FLOWTAPE_HOME: join(folder, "home") };
	const tape = join(folder, "a.tape");
	await writeTape(tape, session());
	const args = (name: string) => [tape, "-o", join(folder, name), "--redact", "-q"];
	for (const name of ["b.mitm", "b.har", "b.jsonl"]) await runCaptured(rewrite, args(name), { env });
	await runCaptured(convert, [join(folder, "b.har"), join(folder, "c.tape"), "-q"], { env });
	for (const name of ["b.mitm", "b.har", "b.jsonl", "c.tape"]) {
		const proxy = await startTestLive(t, { recordings: [join(folder, name)] });
		const me = await askThrough(proxy, `http://${host}/me?api_key=dummy-1`, {
			headers: { Authorization: "Bearer dummy-1" },
		});
		t.equal(me.status, 200, name);
	}
});

t.test("a request that differs in more than secrets is missed", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "a.tape");
	await writeTape(tape, session());
	await runCaptured(rewrite, [tape, "--in-place", "--redact", "-q"], { env: { FLOWTAPE_HOME: folder } });
	const proxy = await startTestLive(t, { recordings: [tape] });
	const other = await askThrough(proxy, `http://${host}/login`, {
		method: "POST",
		headers: Object.fromEntries(json),
		body: JSON.stringify({ user: "bob", password: "dummy" }),
	});
	t.equal(other.status, 404);
});

t.test("rules of one's own, and errors", async (t) => {
	const folder = t.testdir();
	const env = { FLOWTAPE_HOME: folder };
	const tape = join(folder, "a.tape");
	await writeTape(tape, [
		httpFlow({ response: { headers: [["X-Person", "Ann"], ...json], body: '{"email":"ann@example.test"}' } }),
	]);
	const out = join(folder, "b.tape");
	const args = [tape, "-o", out, "--redact", "--redact-header", "x-person", "--redact-json", "/email"];
	t.equal((await runCaptured(rewrite, args, { env })).status, 0);
	const [flow] = (await readTape(out)).flows as [HttpFlow];
	t.match(flow.response?.headers.get("x-person"), /^ftr_h/);
	t.match(flow.response?.text, /^\{"email":"ftr_j[a-z2-7]{12}"\}$/);
	const missing = await runCaptured(rewrite, [tape, "-o", out, "--redact-header", "x"], { env });
	t.match(missing, { status: 2, err: "--redact-header: it adds to what --redact replaces" });
});

t.test("--redact-shape issuer keeps the form of tokens, and the tape is clean and replays", async (t) => {
	const folder = t.testdir();
	const env = { FLOWTAPE_HOME: join(folder, "home") };
	const tape = join(folder, "a.tape");
	const github = `${"ghp"}_${random.text("alphanumeric", 36)}`;
	const withToken = (path: string, body = "") =>
		httpFlow({ request: { host, path, headers: [["Authorization", `Bearer ${github}`]] }, response: { body } });
	await writeTape(tape, [withToken("/me", `hello ${github}`), withToken(`/repos?access_token=${github}`)]);
	const redact = ["--redact", "--redact-shape", "issuer"];
	t.equal((await runCaptured(rewrite, [tape, "--in-place", ...redact], { env })).status, 0);
	t.notMatch(readFileSync(tape).toString("latin1"), github);
	t.equal((await runCaptured(scan, [tape], { env })).status, 0, "placeholders are no secrets");
	const flows = (await readTape(tape)).flows as HttpFlow[];
	const shaped = flows[0]?.request.headers.get("authorization")?.slice(7) ?? "";
	t.match(shaped, /^ghp_ftr[0-9a-f]{16}0*90{5}$/);
	t.equal(shaped.length, github.length);
	t.equal(flows[0]?.response?.text, `hello ${shaped}`, "everywhere the same");
	await runCaptured(rewrite, [tape, "--in-place", "--redact"], { env });
	t.equal(((await readTape(tape)).flows[0] as HttpFlow).request.headers.get("authorization"), `Bearer ${shaped}`);
	const proxy = await startTestLive(t, { recordings: [tape] });
	const answer = await askThrough(proxy, `http://${host}/repos?access_token=dummy`);
	t.equal(answer.status, 200);
});

t.test("--wipe overwrites the old tape and its logs, which a killed recording left", async (t) => {
	const folder = t.testdir();
	const env = { FLOWTAPE_HOME: join(folder, "home") };
	const tape = join(folder, "a.tape");
	// a log that was not merged: as after kill -9
	const living = join(folder, "living.tape");
	const store = openStore(living, { mode: "append", report: () => {} });
	for (const flow of session()) store.append(flow);
	store.flush();
	for (const end of ["", "-wal"]) copyFileSync(living + end, tape + end);
	await store.close();
	t.notOk(isClean(`${tape}-wal`), "the log has secrets");
	const held = ["", "-wal"].map((end) => openSync(tape + end, "r"));
	const { status, err } = await runCaptured(rewrite, [tape, "--in-place", "--redact", "--wipe"], { env });
	t.equal(status, 0);
	t.match(err, "the old bytes were overwritten; snapshots, backups and flash storage may keep them");
	for (const fd of held) {
		const bytes = readFileSync(fd).toString("latin1");
		t.ok(bytes.length > 0, "nothing was cut off before");
		t.ok(notations.every((text) => !bytes.includes(text)));
	}
	t.equal((await readTape(tape)).flows.length, 3);
	for (const name of readdirSync(folder))
		if (statSync(join(folder, name)).isFile() && name !== "living.tape") t.ok(isClean(join(folder, name)), name);
	const other = join(folder, "other.tape");
	t.match(await runCaptured(rewrite, [tape, "-o", other, "--wipe", "--mark"]), {
		status: 2,
		err: /--wipe needs --in-place/,
	});
});

t.test("convert to a shared format and stats warn of credentials, once and not on stdout", async (t) => {
	const folder = t.testdir();
	const env = { FLOWTAPE_HOME: join(folder, "home") };
	const tape = join(folder, "a.tape");
	await writeTape(tape, session());
	const warning =
		/^flowtape: these flows have credentials: request query api_key|request header authorization of flow /;
	for (const [command, args] of [
		[convert, [tape, join(folder, "b.har")]],
		[stats, [tape, "--json"]],
	] as const) {
		const { status, err, out } = await runCaptured(command, args);
		t.equal(status, 0);
		t.match(err, warning);
		t.equal(err.match(/have credentials/g)?.length, 1);
		t.notMatch(out, "have credentials");
		t.notMatch((await runCaptured(command, [...args, "-q"])).err, "have credentials");
	}
	for (const to of [[join(folder, "c.tape")], ["-", "--format", "jsonl"]])
		t.notMatch((await runCaptured(convert, [tape, ...to])).err, "have credentials");
	await runCaptured(rewrite, [tape, "--in-place", "--redact", "-q"], { env });
	t.notMatch((await runCaptured(convert, [tape, join(folder, "d.har")])).err, "have credentials");
});

t.test("a tape that is redacted by more rules, or joined from tapes with others, keeps all rules", async (t) => {
	const folder = t.testdir();
	const env = { FLOWTAPE_HOME: join(folder, "home") };
	const at = (name: string) => join(folder, name);
	for (const name of ["a", "b"])
		await writeTape(at(`${name}.tape`), [httpFlow({ request: { host, path: `/${name}?pin_of_${name}=4711-secret` } })]);
	for (const name of ["a", "b"])
		await runCaptured(rewrite, [at(`${name}.tape`), "--in-place", "--redact", "--redact-param", `pin_of_${name}`], {
			env,
		});
	await runCaptured(rewrite, [at("b.tape"), "--in-place", "--redact", "--redact-param", "another"], { env });
	const joined = await runCaptured(filter, ["~all", at("a.tape"), at("b.tape"), "-o", at("both.tape")], { env });
	t.equal(joined.status, 0, joined.err);
	t.notMatch(joined.err, "different values");
	const store = openStore(at("both.tape"), { mode: "read", report: () => {} });
	t.same((store.notes()["flowtape:redaction"] as { redact_param: string[] }).redact_param, [
		"pin_of_a",
		"pin_of_b",
		"another",
	]);
	await store.close();
	for (const name of ["a", "b"]) {
		const args = [at("both.tape"), "--request", `curl http://api.example.test/${name}?pin_of_${name}=other`];
		t.match((await runCaptured(explain, args, { env })).out, "is answered by flow");
	}
});
