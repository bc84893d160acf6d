// Rows are fetched in chunks, one request at a time, the rows in sight first.
import t from "tap";
import { CHUNK, Chunks } from "../../../viewer/page/chunks.ts";

t.test("a newer wish replaces an older one", async (t) => {
	const asked: number[] = [];
	let release = () => {};
	const chunks = new Chunks<number>(
		async (from, count) => {
			asked.push(from / CHUNK);
			await new Promise<void>((resolve) => {
				release = resolve;
			});
			return Array.from({ length: count }, (_, i) => from + i);
		},
		() => {},
	);
	const settle = async () => {
		release();
		for (let turn = 0; turn < 10; turn++) await Promise.resolve();
	};
	chunks.want(0, 10);
	chunks.want(500, 10);
	chunks.want(99_990, 20);
	t.same(asked, [0], "one request at a time");
	await settle();
	await settle();
	await settle();
	t.same(asked, [0, 999, 1000], "the second wish was left out");
	t.equal(chunks.at(3), 3);
	t.equal(chunks.at(100_005), 100_005);
	t.equal(chunks.at(505), undefined);
	chunks.want(0, 10);
	t.equal(asked.length, 3, "rows that are there are not asked for again");
	chunks.forgetFrom(99_950);
	t.equal(chunks.at(100_005), undefined);
	t.equal(chunks.at(3), 3);
});

t.test("a failure is asked for again, and an ended list takes no rows", async (t) => {
	let fails = true;
	let changes = 0;
	const chunks = new Chunks<string>(
		async () => {
			if (fails) throw new Error("the server has gone");
			return ["a"];
		},
		() => changes++,
	);
	const settled = () => new Promise((resolve) => setImmediate(resolve));
	chunks.want(0, 1);
	await settled();
	fails = false;
	chunks.want(0, 1);
	await settled();
	t.equal(chunks.at(0), "a");
	chunks.forgetFrom(0);
	chunks.want(0, 1);
	chunks.end();
	await settled();
	t.equal(chunks.at(0), undefined);
	t.equal(changes, 1);
});
