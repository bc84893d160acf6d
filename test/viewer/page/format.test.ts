// Values as text for people; hidden characters are shown.
import t from "tap";
import { countText, durationText, plain, plainLine, sizeText, timeText, urlText } from "../../../viewer/page/format.ts";

t.test("text that lies is shown as escapes", async (t) => {
	t.equal(plain("a\u202ecod.exe"), "a\\u{202e}cod.exe");
	t.equal(plain("a\u0000\u001b[31m\tb\nc"), "a\\u{0}\\u{1b}[31m\\u{9}b\\u{a}c");
	t.equal(plain("zero\u200bwidth\ufeff"), "zero\\u{200b}width\\u{feff}");
	t.equal(plainLine("a\tb\u0007"), "a\tb\\u{7}");
	t.equal(plain("grüß 日本 👍"), "grüß 日本 👍");
});

t.test("numbers", async (t) => {
	t.same([0, 999, 1000, 12_345, 123_456, 5e9].map(sizeText), ["0 B", "999 B", "1.0 kB", "12.3 kB", "123 kB", "5.0 GB"]);
	t.same([0.0004, 0.34, 2.14, 140].map(durationText), ["0 ms", "340 ms", "2.1 s", "140 s"]);
	t.equal(countText(1204), "1,204");
	t.match(timeText(1_700_000_000.25), /^\d\d:\d\d:20\.250$/);
	t.equal(timeText(0), "");
	t.equal(timeText(1e300), "");
});

t.test("URLs", async (t) => {
	t.equal(urlText("https", "a.test", 443, "/x"), "https://a.test/x");
	t.equal(urlText("https", "a.test", 8443, "/x"), "https://a.test:8443/x");
	t.equal(urlText("http", "::1", 80, "/"), "http://[::1]/");
	t.equal(urlText(null, null, null, "x"), "x");
});
