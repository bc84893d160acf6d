// Text for terminals: control characters are escaped, and colours are optional.
import t from "tap";
import {
	coloured,
	counted,
	isoTime,
	messageStream,
	paintFor,
	plain,
	shortSize,
	shortTime,
} from "../../../commands/print/text.ts";

t.test("paint", async (t) => {
	t.equal(plain("x", "red"), "x");
	t.equal(coloured("x", "red", "bold"), "\u001b[1m\u001b[31mx\u001b[39m\u001b[22m");
	t.equal(coloured("x"), "x");
});

t.test("colours if the terminal supports them, unless they are turned off", async (t) => {
	for (const [isTTY, env, color, wanted] of [
		[true, {}, true, coloured],
		[true, { TERM: "xterm" }, true, coloured],
		[true, { TERM: "dumb" }, true, plain],
		[true, {}, false, plain],
		[true, { NO_COLOR: "1" }, true, plain],
		[true, { NO_COLOR: "" }, true, coloured],
		[false, {}, true, plain],
		[undefined, {}, true, plain],
		[false, { FORCE_COLOR: "1" }, true, coloured],
		[false, { FORCE_COLOR: "0" }, true, plain],
		[false, { FORCE_COLOR: "1", NO_COLOR: "1" }, true, plain],
	] as const)
		t.equal(paintFor({ isTTY }, env, color), wanted, JSON.stringify({ isTTY, env, color }));
});

t.test("sizes in at most five characters", async (t) => {
	for (const [bytes, text] of [
		[0, "0b"],
		[1023, "1023b"],
		[1024, "1k"],
		[1536, "1.5k"],
		[99.94 * 1024, "99.9k"],
		[100 * 1024, "100k"],
		[1024 ** 2, "1m"],
		[5.25 * 1024 ** 3, "5.3g"],
		[1024 ** 4, "1t"],
		[3000 * 1024 ** 4, "3000t"],
	] as const)
		t.equal(shortSize(bytes), text);
});

t.test("times", async (t) => {
	for (const [seconds, text] of [
		[0, "0ms"],
		[0.0124, "12ms"],
		[0.9994, "999ms"],
		[1, "1.00s"],
		[1.239, "1.24s"],
		[59.99, "59.99s"],
		[60, "1m00s"],
		[185.7, "3m05s"],
	] as const)
		t.equal(shortTime(seconds), text);
});

t.test(
	"control characters in messages are escaped; on a terminal, flowtape's own colours and progress bar pass",
	async (t) => {
		const written: string[] = [];
		const stream = (isTTY: boolean) => ({ isTTY, write: (text: string) => written.push(text) });
		messageStream(stream(false), {}).write("a\u001b]0;x\u0007\u009b1m\u202e\u001b[31m\r\n\t");
		messageStream(stream(true), {}).write("\r\u001b[K\u001b[31mred\u001b[0m\u001b[2J\u0007");
		t.same(written, ["a␛]0;x␇�1m�␛[31m␍\n\t", "\r\u001b[K\u001b[31mred\u001b[0m␛[2J␇"]);
	},
);

t.test("numbers with a noun", async (t) => {
	t.same(
		[0, 1, 2].map((count) => counted(count, "flow")),
		["0 flows", "1 flow", "2 flows"],
	);
});

t.test("ISO times", async (t) => {
	t.equal(isoTime(1.5), "1970-01-01T00:00:01.500Z");
	for (const invalid of [0, Number.NaN, 1e300]) t.equal(isoTime(invalid), null);
});
