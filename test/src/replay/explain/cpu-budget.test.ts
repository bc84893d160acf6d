// A token bucket for CPU time.
import t from "tap";
import { CpuBudget } from "../../../../src/replay/explain/cpu-budget.ts";

t.test("a burst, then a fraction of wall time", (t) => {
	let now = 0;
	const allowance = new CpuBudget(100, 0.5, () => now);
	const work = (ms: number) => {
		now += ms;
		return ms;
	};
	t.equal(
		allowance.spend(() => work(60)),
		60,
	);
	t.notOk(allowance.isSpent, "100 - 60 + 30 are left");
	allowance.spend(() => work(200));
	t.ok(allowance.isSpent, "70 - 200 + 100");
	now += 70;
	t.notOk(allowance.isSpent);
	now += 1_000_000;
	t.notOk(allowance.isSpent);
	allowance.spend(() => work(50));
	allowance.spend(() => work(151));
	t.ok(allowance.isSpent, "at most the size of the burst is saved");
	t.end();
});

t.test("work that fails counts too", (t) => {
	let now = 0;
	const allowance = new CpuBudget(10, 0, () => now);
	t.throws(() =>
		allowance.spend(() => {
			now += 20;
			throw new Error("no");
		}),
	);
	t.ok(allowance.isSpent);
	t.end();
});

t.test("the monotonic clock of the process by default", (t) => {
	const allowance = new CpuBudget(1, 0);
	t.notOk(allowance.isSpent);
	allowance.spend(() => {
		for (const end = performance.now() + 5; performance.now() < end; );
	});
	t.ok(allowance.isSpent);
	t.end();
});
