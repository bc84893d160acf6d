// The rows in sight of lists of any length.
import t from "tap";
import { heightOf, MAX_HEIGHT, scrollTo, windowOf } from "../../../viewer/page/window.ts";

const ROW = 24;
const VIEW = 480;

t.test("short lists", async (t) => {
	t.same(windowOf(0, VIEW, 0, ROW), { from: 0, count: 0, top: 0 });
	t.same(windowOf(0, VIEW, 5, ROW), { from: 0, count: 5, top: 0 });
	t.same(windowOf(240, VIEW, 100, ROW), { from: 10, count: 21, top: 240 });
	t.equal(heightOf(100, ROW), 2400);
});

t.test("two million rows: the first, the last and all between can be seen", async (t) => {
	const total = 2_000_000;
	t.equal(heightOf(total, ROW), MAX_HEIGHT);
	t.equal(windowOf(0, VIEW, total, ROW).from, 0);
	const end = windowOf(MAX_HEIGHT - VIEW, VIEW, total, ROW);
	t.equal(end.from + end.count, total);
	for (const row of [0, 1, 999_999, 1_234_567, total - 1]) {
		const top = scrollTo(row, row < 10 ? MAX_HEIGHT - VIEW : 0, VIEW, total, ROW) ?? 0;
		const { from, count, top: at } = windowOf(top, VIEW, total, ROW);
		t.ok(row >= from && row < from + count, `row ${row}`);
		t.ok(at >= top - ROW && at <= top, "it stands at the edge of the view");
	}
});

t.test("rows in sight are not scrolled to", async (t) => {
	t.equal(scrollTo(5, 0, VIEW, 100, ROW), null);
	t.equal(scrollTo(20, 0, VIEW, 100, ROW), ROW);
	t.equal(scrollTo(3, 240, VIEW, 100, ROW), 72);
});
