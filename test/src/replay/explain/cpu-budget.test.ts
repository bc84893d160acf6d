// Time that something may take.
import t from "tap";
import { CpuBudget } from "../../../../src/replay/explain/cpu-budget.ts";

t.test("so much at once, and then a share of the time that passes", (t) => {
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
	t.ok(allowance.isSpent, "not more than the most is saved up");
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

t.test("by the clock of the process unless told otherwise", (t) => {
	const allowance = new CpuBudget(1, 0);
	t.notOk(allowance.isSpent);
	allowance.spend(() => {
		for (const end = performance.now() + 5; performance.now() < end; );
	});
	t.ok(allowance.isSpent);
	t.end();
});
