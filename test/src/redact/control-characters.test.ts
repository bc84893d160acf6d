import t from "tap";
import { hasControlCharacters } from "../../../src/redact/control-characters.ts";

t.test("white space and ESC are text; NUL, DEL and others are not", async (t) => {
	for (const text of ["", "a\tb\r\nc\f\v", "\u001b[1m", "\u00e9\u0080"]) t.notOk(hasControlCharacters(text));
	for (const text of ["\0", "a\u0007", "\u007f", "a\u000e"]) t.ok(hasControlCharacters(text));
	t.notOk(hasControlCharacters("aaaa\0", 4), "beyond the examined length");
});
