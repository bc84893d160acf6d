// The delay of responses.
import t from "tap";
import { type Delay, durationOf, parseDelay, waitOf } from "../../../../src/replay/answer/delay.ts";

const times = { sent: 100, began: 100.5, ended: 103.5 };

t.test("valid delays", (t) => {
	t.equal(parseDelay("none"), null);
	const cases: [text: string, wait: number, duration: number][] = [
		["recorded", 0.5, 3],
		["x2", 1, 6],
		["x0.5", 0.25, 1.5],
		["50ms", 0.05, 0],
		["1.5s", 1.5, 0],
	];
	for (const [text, wait, duration] of cases) {
		const delay = parseDelay(text) as Delay;
		t.equal(waitOf(delay, times), wait, text);
		t.equal(durationOf(delay, times), duration, text);
	}
	t.end();
});

t.test("invalid delays", (t) => {
	for (const text of ["", "2x", "50", "x", "-1s", "1e3ms"])
		t.throws(() => parseDelay(text), { code: "FT_BAD_OPTION", option: "server_replay_delay" }, text);
	t.end();
});

t.test("impossible times count as 0", (t) => {
	const delay = parseDelay("recorded") as Delay;
	t.equal(waitOf(delay, { sent: 100, began: 0, ended: null }), 0);
	t.equal(durationOf(delay, { sent: 100, began: 101, ended: null }), 0);
	t.equal(waitOf(delay, { sent: 0, began: 1_700_000_000, ended: null }), 0, "the time of the request is not known");
	t.end();
});
