// Flushes shortly after a flow, once for several flows. The next call throws the error of an earlier flush.
import t from "tap";
import { gate } from "../../fixtures/gate.ts";
import { FlushTimer } from "../../formats/flush-timer.ts";

/** Waits for a promise. The timer of a flush alone does not keep the process alive. */
async function alive(promise: Promise<void>): Promise<void> {
	const keep = setInterval(() => {}, 1000);
	await promise;
	clearInterval(keep);
}

/** A timer whose first flush has failed. */
async function failedTimer(): Promise<FlushTimer> {
	const tried = gate();
	const timer = new FlushTimer(async () => {
		tried.open();
		throw new Error("no space");
	});
	timer.schedule();
	await alive(tried.opened);
	await new Promise((resolve) => setImmediate(resolve));
	return timer;
}

t.test("one flush for several flows; null never flushes early", async (t) => {
	let count = 0;
	const flushed = new Promise<void>((resolve) => {
		const timer = new FlushTimer(async () => {
			count++;
			resolve();
		});
		for (let i = 0; i < 5; i++) timer.schedule();
	});
	await alive(flushed);
	t.equal(count, 1);
	const never = new FlushTimer(null);
	never.schedule();
	await never.close(async () => {});
});

t.test("a flow that is appended slowly is flushed when all of it is appended", async (t) => {
	const appended = gate();
	const flushed = gate();
	let isFlushed = false;
	const slow = new FlushTimer(async () => {
		isFlushed = true;
		flushed.open();
	});
	const wait = slow.flushAfter(appended.opened);
	// timers with the same delay fire in order
	await alive(new Promise((resolve) => new FlushTimer(async () => resolve()).flushAfter(undefined)));
	t.notOk(isFlushed);
	appended.open();
	await wait;
	await alive(flushed.opened);
	t.ok(isFlushed);
});

t.test("a failed flush is thrown by the next call", async (t) => {
	const timer = await failedTimer();
	t.throws(() => timer.schedule(), { message: "no space" });
	timer.schedule();
	timer.cancel();
	await timer.close(async () => {});
});

t.test("the end is written even if an earlier flush failed", async (t) => {
	const timer = await failedTimer();
	let isClosed = false;
	await t.rejects(
		timer.close(async () => {
			isClosed = true;
		}),
		{ message: "no space" },
	);
	t.ok(isClosed);
});
