// The current time: finer than a millisecond, and never far from the wall clock.
import t from "tap";
import { now } from "../../src/clock.ts";

t.test("seconds since 1970, finer than milliseconds, never going back", async (t) => {
	t.ok(Math.abs(now() - Date.now() / 1000) < 0.05);
	const times = Array.from({ length: 1000 }, now);
	t.strictSame([...times].sort(), times);
	t.ok(new Set(times.map((time) => Math.round(time * 1e6))).size > 3, "microseconds differ where milliseconds do not");
});

t.test("it follows the wall clock when that is set", async (t) => {
	const { now: wall } = Date;
	t.teardown(() => {
		Date.now = wall;
	});
	for (const jumpMs of [3_600_000, -3_600_000, 25]) {
		Date.now = () => wall() + jumpMs;
		t.ok(Math.abs(now() - Date.now() / 1000) <= 0.021, `${jumpMs}`);
		t.ok(Math.abs(now() - Date.now() / 1000) <= 0.021);
	}
});
