// Tapes as replay uses them, whatever they are: in memory, by their own key, by another one.
import { join } from "node:path";
import t from "tap";
import { httpFlow, tcpFlow } from "../../../fixtures/build-flow.ts";
import { sourceOf, tapeOf } from "../../../fixtures/recordings.ts";
import type { HttpFlow } from "../../../src/flow/flow.ts";
import { defaultRequestKey, requestKeyFor } from "../../../src/replay/request-key.ts";
import { type KeyedTape, openShelf, type RecordedTape } from "../../../src/replay/shelf.ts";

const flows = [
	tcpFlow(),
	httpFlow({ request: { path: "/a" } }),
	httpFlow({ request: { path: "/b", method: "PUT", headers: [["Host", "Other.test:81"]] }, response: { statusCode: 404 } }),
	httpFlow({ request: { path: "/a" }, response: null }),
	httpFlow({ request: { path: "/a", host: "other.test" }, response: { statusCode: 101 } }),
	httpFlow({ request: { path: "/a", host: "third.test" }, response: { body: "third" } }),
];
const [, first, second, noResponse] = flows as HttpFlow[];
const ignoringHost = requestKeyFor({ server_replay_ignore_host: true });

const tapes: Record<string, (t: { testdir(): string }) => Promise<RecordedTape>> = {
	"in memory": async () => sourceOf(flows),
	"a dump": (t) => tapeOf(join(t.testdir(), "a.mitm"), flows),
	"a flow store": (t) => tapeOf(join(t.testdir(), "a.tape"), flows),
};

for (const [what, open] of Object.entries(tapes)) {
	t.test(`${what}, by the default key`, async (t) => {
		const shelf = await openShelf(await open(t), defaultRequestKey, true);
		const key = defaultRequestKey(first as HttpFlow);
		const places = shelf.findByKey(key, -1, 10);
		t.same(
			places.map((place) => shelf.at(place)?.id),
			[first?.id, noResponse?.id],
		);
		t.same(shelf.findByKey(key, places[0] as number, 10), places.slice(1));
		t.same(shelf.findByKey(key, -1, 1), places.slice(0, 1));
		t.same(shelf.findByKey("0000000000000000", -1, 1), []);
		t.equal(shelf.answerAt(places[0] as number)?.id, first?.id);
		t.equal(shelf.answerAt(places[0] as number)?.response.text, "hello");
		t.equal(shelf.answerAt(places[1] as number), null, "it has no response");
		t.equal(shelf.at(1000), null);
		t.equal(shelf.answerAt(1000), null);
		t.equal(shelf.countAnswers(), 3);
		const outlines = shelf.outlines(-1, 10);
		t.match(outlines.slice(0, 3), [
			{ id: first?.id, method: "GET", scheme: "http", host: "example.com", port: 80, path: "/a", status: 200 },
			{ id: second?.id, method: "PUT", host: "Other.test", port: 80, path: "/b", status: 404 },
			{ id: noResponse?.id, status: null },
		]);
		t.equal(outlines.length, 5);
		t.same(shelf.outlines(outlines[1]?.place as number, 2), outlines.slice(2, 4));
		// a flow store has its keys in memory by now
		for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
		t.same(shelf.findByKey(key, -1, 10), places);
		t.same(shelf.findByKey(key, places[0] as number, 10), places.slice(1));
		t.same(shelf.findByKey("0000000000000000", -1, 1), []);
	});

	t.test(`${what}, by another key`, async (t) => {
		const shelf = await openShelf(await open(t), ignoringHost, false);
		while (shelf.growing) await shelf.growing;
		const places = shelf.findByKey(ignoringHost(first as HttpFlow), -1, 10);
		t.equal(places.length, 4);
		t.equal(shelf.answerAt(places[3] as number)?.response.text, "third");
		t.equal(shelf.at(places[3] as number)?.id, flows[5]?.id);
		t.equal(shelf.countAnswers(), 3);
		t.equal(shelf.outlines(-1, 10).length, 5);
	});
}

t.test("a tape that cannot be read to its end says so to who waits", async (t) => {
	const tape = (await tapeOf(join(t.testdir(), "a.tape"), flows)) as KeyedTape;
	function* requests() {
		yield [{ seq: 1, request: (first as HttpFlow).request }];
		throw new Error("damaged");
	}
	const broken: KeyedTape = Object.create(tape, { requests: { value: requests } });
	const shelf = await openShelf(broken, ignoringHost, false);
	t.same(shelf.findByKey(ignoringHost(first as HttpFlow), -1, 1), [], "not known yet");
	await t.rejects(async () => {
		while (shelf.growing) await shelf.growing;
	}, /damaged/);
});
