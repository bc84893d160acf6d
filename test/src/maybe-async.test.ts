// Steps run in order, with a promise only if one is asynchronous.
import { runInNewContext } from "node:vm";
import t from "tap";
import { after, callInOrder, sequence } from "../../src/maybe-async.ts";

t.test("synchronous steps are done when the call returns", async (t) => {
	const done: number[] = [];
	const step = (n: number) => () => void done.push(n);
	t.equal(sequence([step(1), step(2)]), undefined);
	t.equal(after(undefined, step(3)), undefined);
	t.equal(callInOrder([(n: number) => void done.push(n), (n: number) => void done.push(n + 1)], 4), undefined);
	t.strictSame(done, [1, 2, 3, 4, 5]);
});

t.test("a step waits for those before it", async (t) => {
	const done: number[] = [];
	const slow = async () => {
		await new Promise((resolve) => setImmediate(resolve));
		done.push(1);
	};
	const result = sequence([slow, () => void done.push(2)]);
	t.strictSame(done, []);
	await result;
	t.strictSame(done, [1, 2]);
});

t.test("the next step receives the result, at once or later", async (t) => {
	const double = (n: number) => 2 * n;
	t.equal(after(2, double), 4);
	t.equal(after(null, String), "null");
	const later = after(Promise.resolve(3), double);
	t.type(later, Promise);
	t.equal(await later, 6);
	const foreign = runInNewContext("Promise.resolve(4)") as Promise<number>;
	t.equal(await after(foreign, double), 8, "a promise of another realm");
});

t.test("an error ends the sequence", async (t) => {
	const done: number[] = [];
	const fail = async () => {
		throw new Error("no");
	};
	await t.rejects(Promise.resolve(sequence([fail, () => void done.push(2)])), { message: "no" });
	t.strictSame(done, []);
});
