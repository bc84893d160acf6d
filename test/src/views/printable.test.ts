// Control characters of flows never reach a terminal.
import t from "tap";
import { printable, printableLine } from "../../../src/views/printable.ts";

t.test("control characters become visible, other text stays", async (t) => {
	for (const [text, shown] of [
		["a\tb\nc é 漢 😀", "a\tb\nc é 漢 😀"],
		["\u001b[31mred\u0007", "␛[31mred␇"],
		["\r\0\u007f", "␍␀␡"],
		["\u009b1A", "�1A"],
		["abc\u202ecba\u2066", "abc�cba�"],
		["\ud800x", "�x"],
	] as const)
		t.equal(printable(text), shown, JSON.stringify(text));
	t.equal(printableLine("a\tb\nc\r"), "a b c␍");
});
