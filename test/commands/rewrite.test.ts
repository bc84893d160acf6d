// `flowtape rewrite` on real files: output, messages, and atomic replacement.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import { command as convert } from "../../commands/convert.ts";
import { command } from "../../commands/rewrite.ts";
import { bareSqlite } from "../../fixtures/bare-sqlite.ts";
import { httpFlow, STARTED, tcpFlow } from "../../fixtures/build-flow.ts";
import { Cli } from "../../fixtures/cli.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";

const run = (...argv: string[]) => runCaptured(command, argv);
const http = async (path: string) => (await readTape(path)).flows.filter((flow) => flow.type === "http") as HttpFlow[];

async function prepare(folder: string, name = "in.tape"): Promise<string> {
	const coded = gzipSync("secret word");
	const path = join(folder, name);
	await writeTape(path, [
		httpFlow({
			request: {
				path: "/late",
				timestampStart: STARTED + 9,
				headers: [
					["Host", "example.com"],
					["Authorization", "x"],
				],
			},
		}),
		httpFlow({
			request: { path: "/early" },
			response: {
				headers: [
					["Content-Encoding", "gzip"],
					["Content-Length", String(coded.length)],
				],
				body: coded,
			},
		}),
		httpFlow({
			request: { path: "/early" },
			response: {
				headers: [
					["Content-Encoding", "gzip"],
					["Content-Length", String(coded.length)],
				],
				body: coded,
			},
		}),
		tcpFlow(),
	]);
	return path;
}

t.test("live features apply to stored flows; coded bodies are decoded, edited and encoded again", async (t) => {
	const folder = t.testdir();
	const [from, to] = [await prepare(folder), join(folder, "out.tape")];
	const rules = [
		"--modify-headers",
		"/authorization/",
		"--modify-body",
		"/secret/public",
		"--map-remote",
		"|//example.com/|//other.test/",
	];
	t.match(await run(from, "-o", to, ...rules), { status: 0, err: `wrote 4 flows to ${to}\n` });
	const [first, second] = await http(to);
	t.notOk(first?.request.headers.has("authorization"));
	t.equal(first?.request.url, "http://other.test/late");
	t.equal(first?.request.headers.get("host"), "other.test");
	t.equal(gunzipSync(second?.response?.rawContent ?? "").toString(), "public word");
	t.equal(second?.response?.headers.get("content-length"), String(second?.response?.bodySize));
	t.equal((await readTape(to)).flows.length, 4, "other flows than HTTP are kept");
});

t.test("block_list drops flows, map_local answers from files, filters select", async (t) => {
	const folder = t.testdir({ site: { early: "from a file" } });
	const [from, to] = [await prepare(folder), join(folder, "out.jsonl")];
	t.match(
		await run(
			from,
			"-o",
			to,
			"--block-list",
			"/~u late/444",
			"--map-local",
			`|//example.com|${join(folder, "site")}`,
			"-f",
			"~http",
		),
		{ status: 0 },
	);
	const flows = await http(to);
	t.same(
		flows.map((flow) => flow.response?.rawContent?.toString()),
		["from a file", "from a file"],
	);
});

t.test("--in-place replaces a tape of any format atomically", async (t) => {
	const folder = t.testdir();
	for (const name of ["a.tape", "b.mitm", "c.anything"]) {
		const path = name === "c.anything" ? join(folder, name) : await prepare(folder, name);
		if (name === "c.anything") writeFileSync(path, readFileSync(join(folder, "b.mitm")));
		t.match(await run(path, "--in-place", "--set-comment", "seen"), {
			status: 0,
			// copies a tape that already has the comment
			err: `wrote 4 flows to ${path}\n${name === "c.anything" ? "flowtape: --set-comment never applied\n" : ""}`,
		});
		t.ok(
			(await readTape(path)).flows.every(({ comment }) => comment === "seen"),
			name,
		);
	}
	const path = await prepare(folder, "kept.tape");
	const before = readFileSync(path);
	t.match(await run(path, "--in-place", "--refresh", "soon"), { status: 2, err: /"soon"/ });
	t.match(await runCaptured(command, [path, "--in-place", "--mark"], { signal: AbortSignal.abort(130) }), {
		status: 130,
	});
	t.same(readFileSync(path), before);
	t.notMatch(readdirSync(folder).join(" "), "tmp", "no draft is left behind");
});

t.test("a dry run prints changes, counts rules, and writes nothing", async (t) => {
	const folder = t.testdir();
	const from = await prepare(folder);
	const before = readFileSync(from);
	const rules = [
		"--dry-run",
		"--modify-headers",
		"/authorization/",
		"--modify-body",
		"/secret/open",
		"--block-list",
		"/~tcp/444",
		"--refresh",
	];
	const { status, out } = await run(from, ...rules, "-v");
	t.equal(status, 0);
	t.match(out, "-Authorization: x\n");
	t.match(out, "-secret word\n+open word\n");
	t.match(out, /\n +1 {2}\/authorization\/\n/);
	t.match(out, /\n +2 {2}\/secret\/open\n/);
	t.match(out, "\n3 of 4 flows would change, 0 would be dropped\n");
	const counts = (await run(from, ...rules)).out;
	t.match(counts, /^(?: +\d+ {2}\S+\n)+3 of 4 flows would change, 0 would be dropped\n$/, "counts alone without -v");
	t.ok(out.endsWith(counts));
	t.same(readFileSync(from), before);
});

t.test("rules that never applied are reported, also with -q, and once for several tapes", async (t) => {
	const folder = t.testdir();
	const [one, two] = [await prepare(folder, "one.tape"), join(folder, "two.tape")];
	await writeTape(two, [httpFlow({ request: { path: "/only" } })]);
	const rules = [
		"--modify-headers",
		"/x-none/",
		"--modify-headers",
		"/authorization/",
		"--map-remote",
		"|/only|/other",
	];
	t.match(await run(one, two, "--in-place", "-q", ...rules), {
		status: 0,
		err: "flowtape: --modify-headers /x-none/ never applied\n",
	});
	t.match(
		(await run(two, "--dry-run", "--block-list", "/~d nowhere.test/444", "--decode")).err,
		["flowtape: --block-list '/~d nowhere.test/444' never applied\nflowtape: --decode never applied\n"][0],
	);
	const both = ["--modify-body", "/authorization/", "--modify-headers", "/authorization/"];
	t.equal(
		(await run(await prepare(folder), "--dry-run", ...both)).err,
		"flowtape: --modify-body /authorization/ never applied\n",
		"the same words in two options",
	);
});

t.test("rules that are not idempotent are reported", async (t) => {
	const folder = t.testdir();
	const from = await prepare(folder);
	t.match(
		(await run(from, "--dry-run", "--modify-body", "/word/words")).err,
		"a second run would change 2 of the 2 flows tried",
	);
	t.match((await run(from, "-o", join(folder, "out.tape"), "--modify-body", "/word/words")).err, "a second run");
	t.match((await run(from, "-o", join(folder, "out.tape"), "--modify-body", "/word/sentence")).err, /^wrote .*\n$/);
	t.same(
		gunzipSync((await http(join(folder, "out.tape")))[1]?.response?.rawContent ?? "").toString(),
		"secret sentence",
		"trying leaves no trace",
	);
});

t.test("--sort, --dedupe, --decode, --encode", async (t) => {
	const folder = t.testdir();
	const [from, to] = [await prepare(folder), join(folder, "out.mitm")];
	t.match(await run(from, "-o", to, "--sort", "--dedupe", "--decode", "-v"), { status: 0, err: /1 {2}dedupe/ });
	const flows = await http(to);
	t.same(
		flows.map(({ request }) => request.path),
		["/early", "/late"],
	);
	t.equal(flows[0]?.response?.rawContent?.toString(), "secret word");
});

t.test("a rules file has the same options; lists are joined, flags take precedence", async (t) => {
	const folder = t.testdir({
		"rules.yaml": "modify-headers:\n  - /authorization/\nset_comment: from file\nmark: ':x:'\n",
		"bad.yaml": "modify_header: x\n",
	});
	const [from, to] = [await prepare(folder), join(folder, "out.tape")];
	t.match(
		await run(from, "-o", to, "--rules", join(folder, "rules.yaml"), "--modify-headers", "/X-New/1", "--mark", ":y:"),
		{ status: 0 },
	);
	const [flow] = await http(to);
	t.match(flow, { comment: "from file", marked: ":y:" });
	t.notOk(flow?.request.headers.has("authorization"));
	t.equal(flow?.request.headers.get("x-new"), "1");
	t.match(await run(from, "-o", to, "--rules", join(folder, "bad.yaml")), {
		status: 2,
		err: /Did you mean "modify_headers"/,
	});
	t.match(await run(from, "-o", to, "--rules", join(folder, "none.yaml")), {
		status: 4,
		err: /none.yaml: no such file/,
	});
	const rules = join(folder, "rules.yaml");
	t.match(await run(from, "-o", rules, "--rules", rules), { status: 2, err: /rules\.yaml would be overwritten/ });
});

t.test("a rules file may have the command's own options, except scripts", async (t) => {
	const folder = t.testdir({
		"rules.yaml": "filter: ~m POST\nsort: true\ncase_sensitive_filters: true\n",
		"scripts.yaml": "scripts: [x.js]\n",
	});
	const [from, to] = [join(folder, "in.tape"), join(folder, "out.tape")];
	await writeTape(
		from,
		["POST", "post", "GET", "POST"].map((method, i) =>
			httpFlow({ id: String(i), request: { method, timestampStart: 100 - i } }),
		),
	);
	t.match(await run(from, "-o", to, "--rules", join(folder, "rules.yaml")), { status: 0 });
	t.same(
		(await http(to)).map(({ id }) => id),
		["3", "0"],
	);
	t.match(await run(from, "-o", to, "--rules", join(folder, "scripts.yaml")), {
		status: 2,
		err: /scripts: no such option of rewrite/,
	});
});

t.test("case_sensitive_filters applies to --filter and to rules", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "in.tape"), join(folder, "out.tape")];
	await writeTape(
		from,
		["/upper", "/UPPER"].map((path) => httpFlow({ id: path, request: { path } })),
	);
	t.match(
		await run(from, "-o", to, "-f", "~u UPPER", "--case-sensitive-filters", "--modify-headers", "/~u upper/x-lower/1"),
		{ status: 0 },
	);
	const flows = await http(to);
	t.same(
		flows.map(({ id, request }) => [id, request.headers.get("x-lower")]),
		[["/UPPER", null]],
	);
	t.match(await run(from, "-o", to, "-f", "~u UPPER"), { status: 0 });
	t.equal((await http(to)).length, 2);
});

t.test("options that apply only to the live proxy are errors", async (t) => {
	const folder = t.testdir();
	const from = await prepare(folder);
	for (const option of [
		"--server-replay-extra=404",
		"--proxyauth=any",
		"--ignore-hosts=x",
		"--upstream-auth=a:b",
		"--save-stream-filter=~q",
		"--no-onboarding",
	])
		t.match(await run(from, "--dry-run", option), { status: 2, err: /unknown option/ }, option);
	t.match(await run(from, "--dry-run", "--set", "server_replay_refresh=false"), { status: 2, err: /no such option/ });
});

t.test("bodies that cannot be decoded stay unchanged and are reported; the run continues", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "in.tape"), join(folder, "out.tape")];
	await writeTape(from, [httpFlow({ response: { headers: [["Content-Encoding", "gzip"]], body: "not gzip" } })]);
	t.match(await run(from, "-o", to, "--modify-body", "/not/is"), { status: 0, err: /left as it is/ });
	t.equal((await http(to))[0]?.response?.rawContent?.toString(), "not gzip");
});

t.test("exactly one of -o, --in-place and --dry-run", async (t) => {
	const folder = t.testdir();
	const from = await prepare(folder);
	t.match(await run(from), { status: 2, err: /-o TAPE, --in-place and --dry-run/ });
	t.match(await run(from, "--dry-run", "--in-place"), { status: 2 });
});

t.test("scripts change stored flows", async (t) => {
	const folder = t.testdir({
		"a.mjs":
			"export const load = (loader) => loader.add_option('word', 'string', 'x', 'A word.');\nexport function response(flow, ctx) { flow.comment = ctx.options.word + flow.live }\nexport function request(flow) { if (flow.request.path === '/late') throw new Error('oops') }\nexport function dns_request() {}",
		"b.mjs": "export function request(flow) { flow.request.path }",
	});
	const [from, to] = [await prepare(folder), join(folder, "out.tape")];
	const { status, err } = await run(from, "-o", to, "-s", join(folder, "a.mjs"), "--set", "word=given ");
	t.equal(status, 2, "a script failed for a flow, which is unchanged");
	t.match(err, /error in script .*a\.mjs:3: Error: oops/);
	t.match(err, /a\.mjs: dns_request is never called/);
	t.same(
		(await http(to)).map(({ comment }) => comment),
		["given false", "given false", "given false"],
	);
	t.match(
		await run(from, "--dry-run", "-s", join(folder, "b.mjs")),
		{ status: 0, out: /^0 of \d+ flows would change, 0 would be dropped\n$/ },
		"flows that a script only reads are unchanged",
	);
	t.match(await run(from, "-o", to, "--set", "word=x"), { status: 2, err: /--set word: no such option/ });
	t.match(await run(from, "-o", to, "-s", join(folder, "none.mjs")), { status: 4, err: /no such script/ });
});

t.test(
	"--in-place does not replace a tape that cannot be read completely, unless --drop-unread is given",
	async (t) => {
		const folder = t.testdir();
		const line = (n: number) =>
			JSON.stringify({ id: `flow-${n}`, request: { method: "GET", url: `http://a.example/${n}` } });
		const entry = (url: string) => ({
			startedDateTime: "2024-05-01T10:00:00.000Z",
			request: { method: "GET", url, httpVersion: "HTTP/1.1", headers: [] },
			response: {
				status: 200,
				statusText: "OK",
				httpVersion: "HTTP/1.1",
				headers: [],
				content: { size: 2, mimeType: "text/plain", text: "ok" },
			},
			timings: { send: 1, wait: 5, receive: 4 },
		});
		const har = (...entries: unknown[]) =>
			JSON.stringify({ log: { version: "1.2", creator: { name: "x", version: "1" }, entries } });
		await writeTape(
			join(folder, "whole.mitm"),
			Array.from({ length: 9 }, () => httpFlow()),
		);
		await writeTape(
			join(folder, "whole.tape"),
			Array.from({ length: 90 }, (_, n) => httpFlow({ response: { body: `${n} `.repeat(500) } })),
		);
		const dump = readFileSync(join(folder, "whole.mitm"));
		const tape = readFileSync(join(folder, "whole.tape"));
		const odd: Record<string, string | Buffer> = {
			"typo.jsonl": [
				line(1),
				'{"id":"second","request":{"method":"GET" "url":"http://a.example/2"}}',
				line(3),
				"",
			].join("\n"),
			"cut.jsonl": `${line(1)}\n${line(2).slice(0, -9)}`,
			"typo.jsonl.gz": gzipSync(`${line(1)}\nnothing\n`),
			"no-url.har": har(
				entry("http://a.example/1"),
				{ comment: "remember me", request: { method: "GET", headers: [] } },
				entry("http://a.example/3"),
			),
			"data.har": har(entry("http://a.example/1"), entry("data:text/plain,remember-me")),
			"cut.mitm": dump.subarray(0, -200),
			"cut.tape": tape.subarray(0, Math.floor((tape.length * 2) / 3)),
		};
		for (const [name, bytes] of Object.entries(odd)) {
			const path = join(folder, name);
			writeFileSync(path, bytes);
			for (const args of [[], ["-q"], ["-v"], ["--sort"]]) {
				const { status, err } = await run(path, "--in-place", "--modify-headers", "/x-new/y", ...args);
				t.equal(status, 3, name);
				t.match(err, `${name} was left unchanged`);
				t.notMatch(err, /kept \d+ flows, change/, "no counts of flows that were not written");
				t.ok(readFileSync(path).equals(Buffer.from(bytes)), `${name} is what it was`);
			}
			t.match(await run(path, "--in-place", "--drop-unread", "--modify-headers", "/x-new/y"), {
				status: name === "data.har" ? 0 : 3,
			});
			t.ok(
				(await http(path)).every(({ request }) => request.headers.get("x-new") === "y") &&
					(await http(path)).length > 0,
				name,
			);
		}
		t.same(
			readdirSync(folder).filter((name) => name.startsWith(".")),
			[],
		);
		t.match(await run(join(folder, "whole.mitm"), "--drop-unread", "--dry-run"), {
			status: 2,
			err: /--drop-unread needs --in-place/,
		});
	},
);

t.test("--in-place rewrites several tapes one by one", async (t) => {
	const folder = t.testdir({ "words.har": "just some words" });
	const [one, words, two] = ["one.jsonl", "words.har", "two.mitm"].map((name) => join(folder, name)) as [
		string,
		string,
		string,
	];
	await writeTape(one, [httpFlow()]);
	await writeTape(two, [httpFlow()]);
	t.match(await run(one, words, two, "--in-place", "--modify-headers", "/x-new/y"), {
		status: 3,
		err: /words\.har: byte 0: not a tape/,
	});
	for (const path of [one, two]) t.equal((await http(path))[0]?.request.headers.get("x-new"), "y");
	t.equal(readFileSync(words, "utf8"), "just some words");
});

t.test("refreshing a dump stores no time in its flows, and reports that; a stored time stays correct", async (t) => {
	const folder = t.testdir();
	const at = (name: string) => join(folder, name);
	const headers = [["Date", "Wed, 01 Jan 2020 00:00:00 GMT"]] as const;
	await writeTape(at("a.mitm"), [httpFlow({ response: { headers, timestampStart: 1577836800 } })]);
	const refresh = (from: string, to: string) =>
		runCaptured(command, [at(from), "-o", at(to), "--refresh", "1900000000"]);
	t.match(await refresh("a.mitm", "b.mitm"), {
		status: 0,
		err: /b\.mitm: a dump does not record that its dates were refreshed/,
	});
	t.match((await readTape(at("b.mitm"))).flows, [{ refreshed: null, metadata: {} }]);
	t.match(await refresh("a.mitm", "c.tape"), { status: 0, err: `wrote 1 flow to ${at("c.tape")}\n` });
	t.match(await refresh("c.tape", "d.mitm"), { status: 0 });
	t.match((await readTape(at("d.mitm"))).flows, [{ refreshed: 1900000000 }]);
});

const NOTES = '{"type":"tape","notes":{"made by":"hand"}}';

/** Lines of a tape with a note on itself. */
async function withNote(folder: string): Promise<string> {
	const [plain, noted] = [join(folder, "plain.jsonl"), join(folder, "noted.jsonl")];
	await writeTape(plain, [httpFlow({ id: "a" }), httpFlow({ id: "b" })]);
	writeFileSync(noted, `${NOTES}\n${readFileSync(plain, "utf8")}`);
	return noted;
}

for (const extension of ["tape", "jsonl", "har", "mitm"])
	t.test(`notes on a tape are kept: ${extension}`, async (t) => {
		const folder = t.testdir();
		const noted = await withNote(folder);
		const [path, out, lines] = ["in", "out", "lines"].map((name) =>
			join(folder, `${name}.${name === "lines" ? "jsonl" : extension}`),
		) as [string, string, string];
		for (const rules of [
			["--modify-headers", "/x-new/y"],
			["--sort"],
			["--sort", "--modify-headers", "/x-new/y"],
			["--refresh"],
			["--dedupe"],
		]) {
			await runCaptured(convert, [noted, path]);
			t.match(await run(path, "-o", out, ...rules), { status: 0 });
			t.match(await run(path, "--in-place", ...rules), { status: 0 });
			for (const written of [out, path]) {
				await runCaptured(convert, [written, lines]);
				t.equal(readFileSync(lines, "utf8").split("\n")[0], NOTES, `${written} ${rules.join(" ")}`);
			}
		}
	});

t.test("a note that cannot be read prevents --in-place", async (t) => {
	const folder = t.testdir();
	const [noted, path] = [await withNote(folder), join(folder, "in.tape")];
	await runCaptured(convert, [noted, path]);
	const db = bareSqlite(path);
	db.exec("UPDATE meta SET value = x'dd'");
	db.close();
	const before = readFileSync(path);
	for (const rules of [["--modify-headers", "/x-new/y"], ["--sort"]]) {
		t.match(await run(path, "--in-place", ...rules), {
			status: 3,
			err: /the note "made by" on the tape is damaged[\s\S]*left unchanged/,
		});
		t.ok(readFileSync(path).equals(before));
	}
});

t.test("a refresh of dates that are right already has applied; one of a flow without dates has not", async (t) => {
	const folder = t.testdir();
	const [path, out] = [join(folder, "in.tape"), join(folder, "out.tape")];
	const recorded = { timestampStart: 1_000_000_000 };
	await writeTape(path, [
		httpFlow({ response: { ...recorded, headers: [["Date", "Sun, 09 Sep 2001 01:46:40 GMT"]] } }),
	]);
	t.equal((await run(path, "-o", out, "--refresh", "1000000000")).err, `wrote 1 flow to ${out}\n`);
	await writeTape(path, [httpFlow({ response: { ...recorded, headers: [] } })]);
	t.match((await run(path, "-o", out, "--refresh", "1000000000")).err, "--refresh never applied");
});

t.test("with -q, losses are not printed; without it, only flows that were written count", async (t) => {
	const folder = t.testdir();
	const [path, out] = [join(folder, "in.tape"), join(folder, "out.har")];
	await writeTape(path, [httpFlow({ marked: ":star:" }), tcpFlow()]);
	t.match(await run(path, "-o", out, "--set-comment", "x", "-q"), { status: 0, err: "" });
	const { err } = await run(path, "-o", out, "--set-comment", "x");
	t.match(err, /HAR cannot store these flows: TCP \(1\)/);
	t.match(err, /wrote 1 flow to \S+out\.har\n/);
});

t.test("millions of hosts in one body are renamed with a small heap", async (t) => {
	const cwd = t.testdir();
	const body = Buffer.alloc(14_000_000, "a.test ");
	await writeTape(join(cwd, "a.tape"), [httpFlow({ response: { headers: [["Content-Type", "text/plain"]], body } })]);
	const argv = ["rewrite", "a.tape", "-o", "b.tape", "-q", "--rename-host", "a.test=b.example"];
	t.match(await new Cli(argv, { cwd, env: { NODE_OPTIONS: "--max-old-space-size=64" } }).ended, { status: 0 });
	const [flow] = (await readTape(join(cwd, "b.tape"))).flows as HttpFlow[];
	t.ok(flow?.response?.rawContent?.equals(Buffer.alloc((body.length / 7) * 10, "b.example ")));
});

t.test("the phase recorded of scripts runs before redaction; its failure ends the command", async (t) => {
	const folder = t.testdir({
		"a.mjs": `export function recorded(flow) {
			if (flow.request.path === "/bad") throw new Error("oops");
			flow.comment = flow.request.headers.get("authorization");
			flow.request.headers.set("x-recorded", "yes");
		}`,
	});
	const env = { FLOWTAPE_REDACT_KEY: "the key of a test" };
	const [from, to, script] = ["in.tape", "out.tape", "a.mjs"].map((name) => join(folder, name)) as [
		string,
		string,
		string,
	];
	const authorized = (path: string) =>
		httpFlow({ request: { path, headers: [["Authorization", "Bearer the-token-4711"]] } });
	await writeTape(from, [authorized("/good")]);
	t.match(await runCaptured(command, [from, "-o", to, "-s", script, "--redact"], { env }), { status: 0 });
	const [flow] = await http(to);
	t.match(flow?.comment, /^Bearer ftr_/);
	t.equal(flow?.request.headers.get("x-recorded"), "yes");
	await writeTape(from, [authorized("/bad")]);
	const failed = await runCaptured(command, [from, "-o", to, "-s", script, "--redact"], { env });
	t.match(failed, { status: 2, err: /recorded failed, so the flow .* is not written/ });
	t.equal((await http(to))[0]?.request.path, "/good", "the output is unchanged");
});

t.test("--in-place refuses stdin and pipes before it reads", async (t) => {
	const pipe = join(t.testdir(), "pipe.mitm");
	spawnSync("mkfifo", [pipe]);
	const rules = ["--in-place", "--modify-headers", "/~q/a/b"];
	t.match(await run("-", ...rules), { status: 2, err: /stdin cannot be replaced; use -o TAPE/ });
	t.match(await run("-", ...rules, "--wipe"), { status: 2, err: /stdin cannot be replaced/ });
	t.match(await run(pipe, ...rules), { status: 4, err: /pipe.mitm: cannot be replaced: it is not a file/ });
});
