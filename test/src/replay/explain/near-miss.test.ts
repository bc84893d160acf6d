// The recordings nearest to a miss.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { bareSqlite } from "../../../../fixtures/bare-sqlite.ts";
import { httpRequest } from "../../../../fixtures/build-flow.ts";
import { answerTo, indexOf, recorded, tapeOf } from "../../../../fixtures/recordings.ts";
import { CpuBudget } from "../../../../src/replay/explain/cpu-budget.ts";
import { distanceOf, NearMisses, weights } from "../../../../src/replay/explain/near-miss.ts";
import { ReplayIndex } from "../../../../src/replay/recordings/index-of-tapes.ts";

t.test("the nearest first, with differences and the options that would ignore them", async (t) => {
	const near = new NearMisses(
		await indexOf([
			recorded("far", { path: "/v1/orders/7?t=1", method: "DELETE" }),
			recorded("other host", { path: "/v1/orders?t=1", host: "other.test" }),
			recorded("near", { path: "/v1/orders?t=1" }),
		]),
	);
	const [first, second, third] = (await near.nearestTo(httpRequest({ path: "/v1/orders?t=2" }))) ?? [];
	t.match(first, {
		method: "GET",
		url: "http://example.com/v1/orders?t=1",
		status: 200,
		uses: 0,
		distance: 2,
		differences: [{ part: "query", name: "t", recorded: "1", sent: "2" }],
		options: [{ name: "server_replay_ignore_params", value: "t" }],
	});
	t.match(second, {
		distance: 8,
		options: [{ name: "server_replay_ignore_host", value: true }, { name: "server_replay_ignore_params" }],
	});
	t.match(third, { distance: 8 + 2 + 2, options: null });
});

t.test("a used recording has distance 0", async (t) => {
	const index = await indexOf([recorded("one"), recorded("other", { path: "/x" })]);
	answerTo(index);
	const [first] = (await new NearMisses(index).nearestTo(httpRequest())) ?? [];
	t.match(first, {
		distance: 0,
		differences: [],
		uses: 1,
		options: [{ name: "server_replay_order", value: "sequence" }],
	});
});

t.test("bodies are compared if heads are equal", async (t) => {
	const post = (body: string) => ({
		method: "POST",
		headers: [["Content-Type", "application/json"]] as [string, string][],
		body,
	});
	const index = await indexOf(
		[..."abcdefgh"].map((name, i) =>
			recorded(name, post(JSON.stringify({ operation: name, id: i, nested: { at: 1 } }))),
		),
	);
	const [first] =
		(await new NearMisses(index).nearestTo(httpRequest(post('{"operation":"e","id":4,"nested":{"at":2}}')))) ?? [];
	t.match(first, { distance: 1, differences: [{ part: "json", name: "/nested/at", recorded: "1", sent: "2" }] });
	const many = JSON.stringify(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i])));
	const [whole] =
		(await new NearMisses(await indexOf([recorded("", post("{}"))])).nearestTo(httpRequest(post(many)))) ?? [];
	t.equal(whole?.differences.length, 20);
	t.same(whole?.options, [{ name: "server_replay_ignore_content", value: true }], "no long list of options");
});

t.test("flows without a response are not suggested", async (t) => {
	const [first] = (await new NearMisses(await indexOf([recorded("", {}, null)])).nearestTo(httpRequest())) ?? [];
	t.match(first, { status: null, distance: 0, options: null });
});

t.test("a rejection by the match function is reported", async (t) => {
	const index = await indexOf(
		[recorded("a", { headers: [["X-A", "1"]] })],
		{},
		{ match: (request, other) => request.headers.get("x-a") === other.headers.get("x-a") },
	);
	t.equal(answerTo(index), null);
	const [first] = (await new NearMisses(index).nearestTo(httpRequest())) ?? [];
	t.match(first, { distance: 1, differences: [{ part: "match" }], options: null });
});

t.test("the distance is a sum with a limit for each part", (t) => {
	const difference = (part: "query" | "path", recorded = "", sent = "x") => ({ part, recorded, sent, option: null });
	t.equal(distanceOf([]), 0);
	t.equal(distanceOf([difference("query"), difference("query")]), 4);
	t.equal(distanceOf(Array.from({ length: 50 }, () => difference("query"))), 6);
	t.equal(distanceOf([difference("path", "/a/b/c", "/a/x/c")]), 2);
	t.equal(distanceOf([difference("path", "/users", "/user")]), 1, "half for a similar segment");
	t.equal(distanceOf([difference("path", "/a/b", "/c/d/e")]), 6);
	t.equal(distanceOf([difference("path", "/1/2/3/4/5/6/7", "/")]), 10);
	t.end();
});

t.test("the time for comparing is limited", async (t) => {
	const flows = Array.from({ length: 100 }, (_, i) =>
		recorded("", { path: "/g", method: "POST", body: JSON.stringify({ i, text: "x".repeat(50_000) }) }),
	);
	const near = new NearMisses(await indexOf(flows), new CpuBudget(20, 0));
	const request = httpRequest({ path: "/g", method: "POST", body: '{"i":-1}' });
	let compared = 0;
	while ((await near.nearestTo(request)) !== null) compared++;
	t.ok(compared > 0);
	t.equal(await near.nearestTo(request), null, `after ${compared} it is not looked for any more`);
});

t.test("docs/replay.md has the weights", async (t) => {
	const page = readFileSync("docs/replay.md", "utf8");
	for (const [part, [each, most]] of Object.entries(weights))
		t.match(page, new RegExp(`^\\| ${part}[^|]*\\| ${each} \\| ${most} \\|$`, "m"), part);
});

t.test("only recordings with a similar host or path", async (t) => {
	const near = new NearMisses(
		await indexOf([
			recorded("other", { host: "other.test", path: "/login", headers: [["Host", "other.test"]] }),
			recorded("path", { host: "unrelated.org", path: "/v1/orders/7", headers: [["Host", "unrelated.org"]] }),
			recorded("host", { host: "api.example.com", path: "/", headers: [["Host", "api.example.com"]] }),
		]),
	);
	const urlsFor = async (host: string, path: string) =>
		((await near.nearestTo(httpRequest({ host, path, headers: [["Host", host]] }))) ?? []).map(({ url }) => url).sort();
	t.strictSame(await urlsFor("api.example.com", "/v1/orders/9"), [
		"http://api.example.com/",
		"http://unrelated.org/v1/orders/7",
	]);
	t.strictSame(await urlsFor("api.example.net", "/nothing/like/it"), ["http://api.example.com/"]);
	t.strictSame(await urlsFor("zzz.invalid", "/nothing/like/it"), []);
});

t.test("the event loop serves others between many misses", async (t) => {
	const near = new NearMisses(await indexOf([recorded("one")]), new CpuBudget(60_000, 1));
	let hasTurn = false;
	setImmediate(() => {
		hasTurn = true;
	});
	let explained = 0;
	for (; !hasTurn && explained < 200_000; explained++) await near.nearestTo(httpRequest({ path: `/${explained}` }));
	t.ok(hasTurn, `a turn after ${explained} misses`);
});

t.test("a damaged body is distinguished from one that was not recorded", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const [lost, kept] = ["lost ".repeat(300), "kept ".repeat(300)];
	const tape = await tapeOf(path, [
		recorded("", { path: "/missing" }, { body: null }),
		recorded(lost, { path: "/damaged" }),
		recorded(kept, { path: "/intact" }),
	]);
	const db = bareSqlite(path);
	db.exec("DELETE FROM body WHERE id = (SELECT response_body FROM flow WHERE seq = 2)");
	db.close();
	for (const values of [{}, { server_replay_ignore_params: ["t"] }]) {
		const near = new NearMisses(await ReplayIndex.open([tape], values));
		const found = async (path: string) => (await near.nearestTo(httpRequest({ path })))?.[0];
		t.match(await found("/missing"), { kept: false, damaged: false });
		t.match(await found("/damaged"), { kept: false, damaged: true });
		t.match(await found("/intact?t=1"), { kept: true, damaged: false });
	}
});
