// Chunks come in order, one of them early.
import t from "tap";
import { readAhead } from "../../../formats/mitm/read-ahead.ts";

function source(count: number, failAt = Number.POSITIVE_INFINITY) {
	const state = { asked: 0, closed: false };
	async function* chunks(): AsyncGenerator<number> {
		try {
			for (let n = 0; n < count; n++) {
				state.asked++;
				if (n === failAt) throw new Error("disk");
				yield n;
			}
		} finally {
			state.closed = true;
		}
	}
	return { state, chunks: chunks() };
}

t.test("the next one is asked for while one is worked on", async (t) => {
	const { state, chunks } = source(3);
	const seen: [number, number][] = [];
	for await (const chunk of readAhead(chunks)) {
		await new Promise(setImmediate);
		seen.push([chunk, state.asked]);
	}
	t.same(seen, [
		[0, 2],
		[1, 3],
		[2, 3],
	]);
});

t.test("a failure comes in its turn", async (t) => {
	const seen: number[] = [];
	const read = async () => {
		for await (const chunk of readAhead(source(3, 2).chunks)) {
			await new Promise(setImmediate);
			seen.push(chunk);
		}
	};
	await t.rejects(read(), { message: "disk" });
	t.same(seen, [0, 1]);
});

t.test("whoever stops early closes the source", async (t) => {
	const { state, chunks } = source(10);
	for await (const _ of readAhead(chunks)) break;
	t.ok(state.closed);
});
