// Chooses the recording that answers a request.
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { large } from "../../../../fixtures/large.ts";
import { answerTo, indexOf, recorded, sourceOf, tapeOf } from "../../../../fixtures/recordings.ts";
import { writeTape } from "../../../../fixtures/tape-files.ts";
import { createTape, openRecordings } from "../../../../formats/index.ts";
import type { HttpFlow } from "../../../../src/flow/flow.ts";
import { type IndexValues, ReplayIndex } from "../../../../src/replay/recordings/index-of-tapes.ts";

const polls = () => [
	recorded("one", { path: "/poll" }),
	recorded("other", { path: "/other" }),
	recorded("two", { path: "/poll" }),
];

/** The responses to five requests from a tape with two equal ones. */
const orders: [values: IndexValues, answers: (string | null)[]][] = [
	[{}, ["one", "two", null, null, null]],
	[{ server_replay_order: "once" }, ["one", "two", null, null, null]],
	[{ server_replay_order: "sequence" }, ["one", "two", "two", "two", "two"]],
	[{ server_replay_order: "first" }, ["one", "one", "one", "one", "one"]],
	[{ server_replay_order: "cycle" }, ["one", "two", "one", "two", "one"]],
	[{ server_replay_reuse: true }, ["one", "one", "one", "one", "one"]],
	[{ server_replay_match_profile: "vcr" }, ["one", "two", null, null, null]],
	[{ server_replay_match_profile: "playwright" }, ["one", "one", "one", "one", "one"]],
	[{ server_replay_match_profile: "playwright", server_replay_order: "once" }, ["one", "two", null, null, null]],
];

for (const [values, answers] of orders) {
	t.test(`the order of equal requests: ${JSON.stringify(values)}`, async (t) => {
		const folder = t.testdir();
		const tapes = {
			"in memory": sourceOf(polls()),
			"on a tape": await tapeOf(join(folder, "a.tape"), polls()),
			"after a tape without them": [await tapeOf(join(folder, "b.tape"), [recorded("x")]), sourceOf(polls())],
			"one on each tape": [sourceOf(polls().slice(0, 1)), await tapeOf(join(folder, "c.tape"), polls().slice(1))],
		};
		for (const [what, tape] of Object.entries(tapes)) {
			const index = await ReplayIndex.open(Array.isArray(tape) ? tape : [tape], values);
			t.same(
				answers.map(() => answerTo(index, { path: "/poll" })),
				answers,
				what,
			);
		}
	});
}

t.test("a match function chooses among recordings with the same key, in every order", async (t) => {
	const flows = ["a", "b", "a"].map((name, i) =>
		recorded(`${name}${i}`, { method: "POST", body: `{"operation":"${name}"}` }),
	);
	const match = (request: HttpFlow["request"], candidate: HttpFlow["request"]) => request.text === candidate.text;
	const ask = (index: ReplayIndex, name: string) =>
		answerTo(index, { method: "POST", body: `{"operation":"${name}"}` });
	const expected = {
		once: ["a0", "a2", null, null],
		sequence: ["a0", "a2", "a2", "a2"],
		first: ["a0", "a0", "a0", "a0"],
		cycle: ["a0", "a2", "a0", "a2"],
	};
	for (const [order, answers] of Object.entries(expected) as [keyof typeof expected, (string | null)[]][]) {
		const index = await indexOf(flows, { server_replay_ignore_content: true, server_replay_order: order }, { match });
		t.same(
			answers.map(() => ask(index, "a")),
			answers,
			order,
		);
		t.equal(ask(index, "b"), "b1");
		t.equal(ask(index, "c"), null);
	}
});

t.test("playwright: the recording with the most equal headers", async (t) => {
	const index = await indexOf(
		[
			recorded("html", { headers: [["Accept", "text/html"]] }),
			recorded("json", { headers: [["Accept", "application/json"]] }),
		],
		{
			server_replay_match_profile: "playwright",
		},
	);
	t.equal(answerTo(index, { headers: [["accept", "application/json"]] }), "json");
	t.equal(answerTo(index, { headers: [["accept", "image/png"]] }), "html");
});

t.test("wpr: an unknown query gets the most similar one with the same path", async (t) => {
	const index = await indexOf([recorded("1", { path: "/a?x=1&y=1&t=5" }), recorded("2", { path: "/a?x=2&y=1&t=6" })], {
		server_replay_match_profile: "wpr",
	});
	t.equal(answerTo(index, { path: "/a?x=2&y=1&t=99" }), "2");
	t.equal(answerTo(index, { path: "/a?x=1&y=1&t=5" }), "1");
	t.equal(answerTo(index, { path: "/b?x=1" }), null);
});

t.test("flows without a final response are neither used nor unused", async (t) => {
	const index = await indexOf([
		recorded("", {}, null),
		recorded("", {}, { statusCode: 101 }),
		recorded("", {}, { statusCode: 0 }),
		recorded("yes"),
	]);
	t.equal(index.countUnused(), 1);
	t.equal(answerTo(index), "yes");
	t.equal(index.countUnused(), 0);
	t.equal(answerTo(index), null);
});

t.test("counts used and unused recordings of all tapes", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const [a, b, c] = [recorded("a", { path: "/a" }), recorded("b", { path: "/b" }), recorded("c", { path: "/c" })];
	const index = await ReplayIndex.open([await tapeOf(path, [a, b]), sourceOf([c])], {});
	answerTo(index, { path: "/b" });
	t.same(
		[...index.unused()].map(({ id }) => id),
		[a.id, c.id],
	);
	t.equal(index.countUnused(), 2);
	t.same(
		index.equalRecordings(httpFlow({ request: { path: "/b" } }).request).map(({ flow, uses }) => [flow.id, uses]),
		[[b.id, 1]],
	);
});

t.test("recordings added during the replay are found", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await writeTape(path, [recorded("one")]);
	const sink = await createTape(path, { append: true, report: () => {} });
	const index = await ReplayIndex.open([await openRecordings(path, { report: () => {} })]);
	t.equal(answerTo(index), "one");
	t.equal(answerTo(index), null);
	for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
	await sink.append(recorded("two"));
	await sink.close();
	t.equal(answerTo(index), "two");
});

t.test("with non-default matching, tapes answer like flows in memory", async (t) => {
	const flows = [
		recorded("1", { path: "/a?t=1" }),
		recorded("2", { path: "/a?t=2", host: "b.test" }),
		recorded("3", { path: "/b" }),
	];
	const values: IndexValues = { server_replay_ignore_params: ["t"], server_replay_ignore_host: true };
	for (const tape of [sourceOf(flows), await tapeOf(join(t.testdir(), "a.tape"), flows)]) {
		const index = await ReplayIndex.open([tape], values);
		const ask = () => answerTo(index, { path: "/a?t=9", host: "c.test" });
		t.same([ask(), ask(), ask()], ["1", "2", null]);
	}
});

t.test("with non-default matching, a long tape answers before it is read completely", large, async (t) => {
	const flows = Array.from({ length: 17_000 }, (_, n) => recorded(`${n}`, { path: `/${n}?t=1` }));
	flows.push(recorded("again", { path: "/0?t=2" }));
	const path = join(t.testdir(), "a.tape");
	await writeTape(path, flows);
	const open = async (values: IndexValues = {}) =>
		ReplayIndex.open(
			[await openRecordings(path, { report: () => {} })],
			{ server_replay_ignore_params: ["t"], ...values },
			{ early: true },
		);
	const asked = async (index: ReplayIndex, to: string) =>
		(await index.takeKnown(httpFlow({ request: { path: to } })))?.answer(0, null).text ?? null;

	const index = await open();
	t.ok(index.indexes[0]?.growing, "it is read meanwhile");
	const reported: (string | null)[] = [];
	const tell = async (to: string) => reported.push(await asked(index, to));
	await Promise.all([tell("/unknown"), tell("/0?t=9"), tell("/0?t=9"), tell("/5")]);
	t.same(reported.slice(0, 2), ["0", "5"], "the first known recording");
	t.same(reported.slice(2).sort(), ["again", null]);
	t.equal(index.indexes[0]?.growing, null);
	t.equal(await asked(index, "/16999"), "16999");
	t.equal(index.takeKnown(httpFlow()), null, "immediately from now on");

	const last = await open({ server_replay_order: "sequence" });
	t.same(
		[await asked(last, "/0"), await asked(last, "/0"), await asked(last, "/0")],
		["0", "again", "again"],
		"where the last one counts it is waited for",
	);
});

t.test("hosts that were recorded over TLS with HTTP/1.1 only", async (t) => {
	const over = (host: string, httpVersion: string, scheme = "https") => recorded("x", { host, scheme, httpVersion });
	const flows = [
		over("old.example", "HTTP/1.1"),
		over("old.example", "HTTP/1.0"),
		over("new.example", "HTTP/2.0"),
		over("both.example", "HTTP/1.1"),
	];
	flows.push(over("both.example", "HTTP/2.0"), over("plain.example", "HTTP/1.1", "http"));
	for (const tape of [sourceOf(flows), await tapeOf(join(t.testdir(), "a.tape"), flows)]) {
		const index = await ReplayIndex.open([tape]);
		const hosts = ["old.example", "OLD.example", "new.example", "both.example", "plain.example", "other.example"];
		t.strictSame(
			hosts.map((host) => index.isHttp1Only(host, host === "plain.example" ? 80 : 443)),
			[true, true, false, false, false, false],
		);
	}
});
