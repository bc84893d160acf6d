// Selects a random sample of flows, the same for the same seed.
import t from "tap";
import { sampleFlows, seededRandom } from "../../api/sample-flows.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { FlowSink } from "../../src/flow/pipe.ts";

async function sampleOf(count: number, size: number, random: () => number): Promise<string[]> {
	const ids: string[] = [];
	const sink = sampleFlows(FlowSink.of({ append: ({ id }) => void ids.push(id) }), size, random);
	for (let i = 0; i < count; i++) await sink.append(httpFlow({ id: String(i) }));
	await sink.close();
	return ids;
}

t.test("each flow is equally likely, and the order stays", async (t) => {
	const random = seededRandom(1);
	const times = new Array<number>(10).fill(0);
	const rounds = 3000;
	for (let round = 0; round < rounds; round++)
		for (const id of await sampleOf(10, 3, random)) times[Number(id)] = (times[Number(id)] ?? 0) + 1;
	const expected = (rounds * 3) / 10;
	// chi square with 9 degrees of freedom; the seed is fixed, so the result is too
	const chiSquare = times.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
	t.ok(chiSquare < 21.67, `chi square ${chiSquare}`);
	const ids = (await sampleOf(1000, 50, random)).map(Number);
	t.equal(new Set(ids).size, 50);
	t.same(
		ids,
		[...ids].sort((a, b) => a - b),
	);
	t.same(await sampleOf(2, 5, random), ["0", "1"]);
	t.same(await sampleOf(0, 5, random), []);
});

t.test("a discarded sample passes nothing on", async (t) => {
	const done: string[] = [];
	const sink = sampleFlows(
		FlowSink.of({ append: () => void done.push("append"), discard: async () => void done.push("discard") }),
		1,
		() => 0,
	);
	await sink.append(httpFlow());
	await sink.discard();
	t.same(done, ["discard"]);
	t.same([sink.copies, sink.spool(), sink.open(httpFlow())], [false, null, null]);
});

t.test("the numbers of SplitMix64 for a seed", async (t) => {
	const random = seededRandom(1234567);
	// as in the reference implementation
	const expected = [6457827717110365317n, 3203168211198807973n].map((bits) => Number(bits >> 11n) / 2 ** 53);
	t.same([random(), random()], expected);
	t.not(seededRandom(-1)(), seededRandom(1)());
});
