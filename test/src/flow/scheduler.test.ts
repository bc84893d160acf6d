// Long work pauses, so that other work can run.
import t from "tap";
import { runExclusive, runInSlices, schedule } from "../../../src/flow/scheduler.ts";

/** Blocks for a number of milliseconds. */
function toil(ms: number): void {
	const until = performance.now() + ms;
	while (performance.now() < until) {}
}

/** Resolves when no pause is pending. */
async function rested(): Promise<void> {
	await schedule(
		() => Number.MAX_SAFE_INTEGER,
		() => {},
	);
}

t.test("synchronous work runs at once", async (t) => {
	t.equal(
		schedule(
			() => 1,
			() => 7,
		),
		7,
	);
	t.throws(
		() =>
			schedule(
				() => 1,
				() => {
					throw new Error("now");
				},
			),
		{ message: "now" },
	);
});

t.test(
	"behind what took long the lightest is next, what has no weight never waits, and there is a turn of the loop between",
	async (t) => {
		const done: string[] = [];
		const work = (name: string, weight: number, ms = 0) =>
			schedule(
				() => weight,
				() => {
					toil(ms);
					done.push(name);
				},
			);
		void work("long", 9, 30);
		const waiting = [work("large", 3, 30), work("larger", 4), work("small", 1), work("also small", 1)];
		void work("light", 0);
		const failing = schedule(
			() => 2,
			() => Promise.reject(new Error("later")),
		);
		setImmediate(() => done.push("others"));
		await t.rejects(Promise.resolve(failing), { message: "later" });
		await Promise.all(waiting);
		t.strictSame(done, ["long", "light", "others", "small", "also small", "large", "larger"]);
		await rested();
	},
);

t.test("exclusive work runs one by one, also after a failure", async (t) => {
	const done: number[] = [];
	const slow = runExclusive(async () => {
		await new Promise(setImmediate);
		done.push(1);
		throw new Error("first");
	});
	const next = runExclusive(() => done.push(2));
	await t.rejects(slow, { message: "first" });
	t.equal(await next, 2);
	t.strictSame(done, [1, 2]);
});

t.test("other work runs between slices of steps; other steps wait", async (t) => {
	const done: string[] = [];
	function* steps(name: string) {
		for (let i = 0; i < 3; i++) {
			toil(25);
			done.push(name);
			yield;
		}
	}
	const all = Promise.all([runInSlices(steps("a")), runInSlices(steps("b"))]);
	let isOver = false;
	void (async () => {
		for (; !isOver; done.push("other")) await new Promise(setImmediate);
	})();
	await all;
	isOver = true;
	t.strictSame(
		done.filter((name, i) => name !== done[i - 1]),
		Array.from({ length: 6 }, (_, i) => (i < 3 ? "a" : "b")).flatMap((name) => [name, "other"]),
	);
});
