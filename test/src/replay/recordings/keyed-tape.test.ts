// Indexes of tapes: in memory, by stored keys, and by other keys.
import { join } from "node:path";
import t from "tap";
import { httpFlow, tcpFlow } from "../../../../fixtures/build-flow.ts";
import { sourceOf, tapeOf } from "../../../../fixtures/recordings.ts";
import { reports } from "../../../../fixtures/tape-files.ts";
import { createTape } from "../../../../formats/index.ts";
import type { Flow, HttpFlow } from "../../../../src/flow/flow.ts";
import { defaultRequestKey, requestKeyFor } from "../../../../src/replay/match/key.ts";
import { type KeyedTape, openRecordingIndex, type RecordedTape } from "../../../../src/replay/recordings/keyed-tape.ts";

const flows = [
	tcpFlow(),
	httpFlow({ request: { path: "/a" } }),
	httpFlow({
		request: { path: "/b", method: "PUT", headers: [["Host", "Other.test:81"]] },
		response: { statusCode: 404 },
	}),
	httpFlow({ request: { path: "/a" }, response: null }),
	httpFlow({ request: { path: "/a", host: "other.test" }, response: { statusCode: 101 } }),
	httpFlow({ request: { path: "/a", host: "third.test" }, response: { body: "third" } }),
];
const [, first, second, noResponse] = flows as HttpFlow[];
const ignoringHost = requestKeyFor({ server_replay_ignore_host: true });

const tapes: Record<string, (t: { testdir(): string }, flows?: Flow[]) => Promise<RecordedTape>> = {
	"in memory": async (_, all = flows) => sourceOf(all),
	"a dump": (t, all = flows) => tapeOf(join(t.testdir(), "a.mitm"), all),
	"a flow store": (t, all = flows) => tapeOf(join(t.testdir(), "a.tape"), all),
};

for (const [what, open] of Object.entries(tapes)) {
	t.test(`${what}, default keys`, async (t) => {
		const index = await openRecordingIndex(await open(t), { keyOf: defaultRequestKey, isDefault: true });
		const key = defaultRequestKey(first as HttpFlow);
		const seqs = index.findByKey(key, -1, 10);
		t.same(
			seqs.map((seq) => index.at(seq)?.id),
			[first?.id, noResponse?.id],
		);
		t.same(index.findByKey(key, seqs[0] as number, 10), seqs.slice(1));
		t.same(index.findByKey(key, -1, 1), seqs.slice(0, 1));
		t.same(index.findByKey("0000000000000000", -1, 1), []);
		t.equal(index.answerAt(seqs[0] as number)?.id, first?.id);
		t.equal(index.answerAt(seqs[0] as number)?.response.text, "hello");
		t.equal(index.answerAt(seqs[1] as number), null, "it has no response");
		t.equal(index.at(1000), null);
		t.equal(index.answerAt(1000), null);
		t.equal(index.countAnswers(), 3);
		const summaries = index.summaries(-1, 10);
		t.match(summaries.slice(0, 3), [
			{ id: first?.id, method: "GET", scheme: "http", host: "example.com", port: 80, path: "/a", status: 200 },
			{ id: second?.id, method: "PUT", host: "Other.test", port: 80, path: "/b", status: 404 },
			{ id: noResponse?.id, status: null },
		]);
		t.equal(summaries.length, 5);
		t.same(index.summaries(summaries[1]?.seq as number, 2), summaries.slice(2, 4));
		// the keys of a flow store are in memory now
		for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
		t.same(index.findByKey(key, -1, 10), seqs);
		t.same(index.findByKey(key, seqs[0] as number, 10), seqs.slice(1));
		t.same(index.findByKey("0000000000000000", -1, 1), []);
	});

	t.test(`${what}, other keys`, async (t) => {
		const index = await openRecordingIndex(await open(t), { keyOf: ignoringHost, isDefault: false });
		while (index.growing) await index.growing;
		const seqs = index.findByKey(ignoringHost(first as HttpFlow), -1, 10);
		t.equal(seqs.length, 4);
		t.equal(index.answerAt(seqs[3] as number)?.response.text, "third");
		t.equal(index.at(seqs[3] as number)?.id, flows[5]?.id);
		t.equal(index.countAnswers(), 3);
		t.equal(index.summaries(-1, 10).length, 5);
	});

	t.test(`${what}, without bodies`, async (t) => {
		const response = (headers: [string, string][], init: object = {}) => ({ headers, body: null, ...init });
		const error = { message: "Client disconnected.", timestamp: 1 };
		const all: [flow: HttpFlow, isAnswer: boolean][] = [
			[httpFlow({ response: response([]) }), false],
			[httpFlow({ response: response([["Content-Type", "text/plain"]]) }), false],
			[httpFlow({ response: response([["Content-Length", "5"]]) }), false],
			[httpFlow({ response: response([["Content-Length", "0"]]) }), true],
			[
				httpFlow({
					response: response([
						["Content-Type", "text/plain"],
						["Content-Length", "0"],
					]),
				}),
				true,
			],
			[httpFlow({ response: response([], { statusCode: 204 }) }), true],
			[httpFlow({ response: response([["Content-Type", "text/plain"]], { statusCode: 304 }) }), true],
			[httpFlow({ request: { method: "HEAD" }, response: response([["Content-Type", "text/plain"]]) }), true],
			[httpFlow({ response: response([["Content-Type", "text/plain"]]), error, ended: "client" }), true],
			[httpFlow({ response: response([], { statusCode: 401 }) }), false],
			[httpFlow({ response: { statusCode: 401 } }), true],
			[httpFlow({ response: { statusCode: 407, headers: [["Proxy-Authenticate", "Basic"]] } }), false],
		];
		const tape = await open(
			t,
			all.map(([flow]) => flow),
		);
		const index = await openRecordingIndex(tape, { keyOf: defaultRequestKey, isDefault: true });
		const expected = all.map(([, isAnswer]) => isAnswer);
		const summaries = index.summaries(-1, 100);
		t.same(
			summaries.map(({ isAnswer }) => isAnswer),
			expected,
		);
		t.same(
			summaries.map(({ seq }) => index.answerAt(seq) !== null),
			expected,
		);
		t.equal(index.countAnswers(), expected.filter(Boolean).length);
	});

	t.test(`${what}, selected flows`, async (t) => {
		const selects = ({ request, response }: HttpFlow) => request.host !== "example.com" || response === null;
		const index = await openRecordingIndex(await open(t), { keyOf: ignoringHost, isDefault: false, selects });
		while (index.growing) await index.growing;
		const seqs = index.findByKey(ignoringHost(first as HttpFlow), -1, 10);
		t.same(
			seqs.map((seq) => index.at(seq)?.id),
			[noResponse?.id, flows[4]?.id, flows[5]?.id],
		);
		t.equal(index.countAnswers(), 1);
		const summaries = index.summaries(-1, 10);
		t.same(
			summaries.map(({ id }) => id),
			[noResponse?.id, flows[4]?.id, flows[5]?.id],
		);
		t.same(index.summaries(summaries[0]?.seq as number, 1), summaries.slice(1, 2));
		t.same(index.findByKey(ignoringHost(second as HttpFlow), -1, 10), []);
	});
}

t.test("a tape that is recorded to during the replay", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const tape = await tapeOf(path, flows);
	const indexes = [
		await openRecordingIndex(tape, { keyOf: defaultRequestKey, isDefault: true }),
		await openRecordingIndex(tape, { keyOf: ignoringHost, isDefault: false }),
		await openRecordingIndex(tape, {
			keyOf: defaultRequestKey,
			isDefault: true,
			selects: ({ request }) => request.path === "/new",
		}),
	];
	for (const index of indexes) while (index.growing) await index.growing;
	const later = httpFlow({ request: { path: "/new" }, response: { body: "new" } });
	const keys = [defaultRequestKey(later), ignoringHost(later), defaultRequestKey(later)];
	const found = () =>
		indexes.map((index, n) =>
			index.findByKey(keys[n] as string, -1, 10).map((seq) => index.answerAt(seq)?.response.text),
		);
	// all reads in one tick use the same snapshot of the file
	const nextTurn = () => new Promise(setImmediate);
	t.same(found(), [[], [], []]);
	await nextTurn();
	const recorder = await createTape(path, { append: true, report: reports().report });
	await recorder.append(later);
	await recorder.close();
	await nextTurn();
	t.same(found(), [["new"], ["new"], ["new"]]);
	t.same(
		indexes.map((index) => index.countAnswers()),
		[4, 4, 1],
	);
});

t.test("waiting callers get the error of a tape that cannot be read completely", async (t) => {
	const tape = (await tapeOf(join(t.testdir(), "a.tape"), flows)) as KeyedTape;
	function* requests() {
		yield [{ seq: 1, request: (first as HttpFlow).request }];
		throw new Error("damaged");
	}
	const broken: KeyedTape = Object.create(tape, { requests: { value: requests } });
	const index = await openRecordingIndex(broken, { keyOf: ignoringHost, isDefault: false });
	t.same(index.findByKey(ignoringHost(first as HttpFlow), -1, 1), [], "not known yet");
	await t.rejects(async () => {
		while (index.growing) await index.growing;
	}, /damaged/);
});
