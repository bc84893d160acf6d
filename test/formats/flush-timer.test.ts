// Buffered data is written shortly after, once for several flows; the next call throws an error of an earlier flush.
import t from "tap";
import { FlushTimer } from "../../formats/flush-timer.ts";

t.test("one flush for several flows; null never flushes early", async (t) => {
	let count = 0;
	const flushed = new Promise<void>((resolve) => {
		const timer = new FlushTimer(async () => {
			count++;
			resolve();
		});
		for (let i = 0; i < 5; i++) timer.schedule();
	});
	const keep = setInterval(() => {}, 1000);
	await flushed;
	clearInterval(keep);
	t.equal(count, 1);
	const never = new FlushTimer(null);
	never.schedule();
	await never.close(async () => {});
});

t.test("a failed flush is thrown by the next call", async (t) => {
	let told = (): void => {};
	const tried = new Promise<void>((resolve) => {
		told = resolve;
	});
	const timer = new FlushTimer(async () => {
		told();
		throw new Error("no space");
	});
	timer.schedule();
	const keep = setInterval(() => {}, 1000);
	await tried;
	clearInterval(keep);
	await new Promise((resolve) => setImmediate(resolve));
	t.throws(() => timer.schedule(), { message: "no space" });
	timer.schedule();
	timer.cancel();
	await timer.close(async () => {});
});

t.test("the end is written although something before it was not", async (t) => {
	let told = (): void => {};
	const tried = new Promise<void>((resolve) => {
		told = resolve;
	});
	const timer = new FlushTimer(async () => {
		told();
		throw new Error("no space");
	});
	timer.schedule();
	const keep = setInterval(() => {}, 1000);
	await tried;
	clearInterval(keep);
	await new Promise((resolve) => setImmediate(resolve));
	let isClosed = false;
	await t.rejects(
		timer.close(async () => {
			isClosed = true;
		}),
		{ message: "no space" },
	);
	t.ok(isClosed);
});
