// The time of day.
import t from "tap";
import { now } from "../../src/clock.ts";

t.test("seconds since 1970, finer than milliseconds, and never back within a moment", async (t) => {
	t.ok(Math.abs(now() - Date.now() / 1000) < 0.05);
	const times = Array.from({ length: 1000 }, now);
	t.strictSame([...times].sort(), times);
	t.ok(new Set(times.map((time) => Math.round(time * 1e6))).size > 3, "microseconds differ where milliseconds do not");
});

t.test("it follows the clock on the wall, which may be set", async (t) => {
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
