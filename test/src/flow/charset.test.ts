// Charsets of bodies: from the Content-Type, from the content, and the defaults.
import t from "tap";
import { decodeContent, encodeContent } from "../../../src/flow/charset.ts";

t.test("decoding", async (t) => {
	for (const [bytes, type, text] of [
		["h\xe9", null, "hé"],
		["h\xe9", "text/plain", "hé"],
		["h\xc3\xa9", "text/plain; charset=utf-8", "hé"],
		["h\xc3\xa9", "application/json", "hé"],
		["h\xc3\xa9", "application/javascript", "hé"],
		["h\xe9", "text/html; charset=iso-8859-1", "hé"],
		['<meta charset="iso-8859-1">\xe9', "text/html", '<meta charset="iso-8859-1">é'],
		["<p>\xc3\xa9", "text/html", "<p>é"],
		[
			'<?xml version="1.0" encoding="iso-8859-1"?>\xe9',
			"application/xml",
			'<?xml version="1.0" encoding="iso-8859-1"?>é',
		],
		['@charset "iso-8859-1";\xe9', "text/css", '@charset "iso-8859-1";é'],
		["\xc4\xe3\xba\xc3", "text/plain; charset=gb2312", "你好"],
		["\xef\xbb\xbfab", "text/plain", "ab"],
		["\xff\xfea\0b\0", "text/plain", "ab"],
		["\xfe\xff\0a\0b", "text/plain", "ab"],
		["h\xc3\xa9", "text/plain; charset=no-such", "hé"],
		["h\xff", "application/json", "h\udcff"],
		["\xef\xbb\xbfh\xff", "text/plain", "\ufeffh\udcff"],
	] as const) {
		t.equal(decodeContent(Buffer.from(bytes, "latin1"), type), text, `${type}`);
	}
});

t.test("encoding keeps the charset if it can represent the text, and otherwise changes it to utf-8", async (t) => {
	t.same(encodeContent("é", "text/plain; charset=latin1"), { bytes: Buffer.of(0xe9), contentType: null });
	t.same(encodeContent("é", null), { bytes: Buffer.of(0xe9), contentType: null });
	t.same(encodeContent("é", "application/json"), { bytes: Buffer.from("é"), contentType: null });
	t.equal(encodeContent("世", null).contentType, "text/plain; charset=utf-8");
	t.equal(encodeContent("世", "text/x; charset=latin1; a=b").contentType, "text/x; a=b; charset=utf-8");
});

t.test(
	"a byte order mark overrides the named charset, and a declaration that is readable as ASCII is never UTF-16",
	async (t) => {
		for (const [bytes, type, text] of [
			["\xff\xfea\0", "text/plain; charset=utf-8", "a"],
			["\xe9", 'text/plain; charset="iso-8859-1"', "é"],
			["\xe9", "text/plain; CharSet=ISO-8859-1", "é"],
			['<meta charset="utf-16">\xc3\xa9', "text/html", '<meta charset="utf-16">é'],
			['<?xml version="1.0" encoding="UTF-16"?>\xc3\xa9', "text/xml", '<?xml version="1.0" encoding="UTF-16"?>é'],
		] as const) {
			t.equal(decodeContent(Buffer.from(bytes, "latin1"), type), text, type);
		}
	},
);

t.test("encoded text decodes to the same text", async (t) => {
	for (const [bytes, type, kept] of [
		['<meta charset="gbk">\xc4\xe3', "text/html", true],
		['<?xml version="1.0" encoding="windows-1251"?>\xcf', "application/xml", true],
		['@charset "shift_jis";\x93\xfa', "text/css", true],
		["\xc4\xe3", "text/plain; charset=gb2312", true],
		[`${" ".repeat(1000)}<meta charset="latin1">\xc3\xa9`, "text/html", true],
		[`${"\xc3\xa9".repeat(500)}  <meta charset="koi8-r">\xc3\xa9`, "text/html", false],
		["{\xff\xfe}", "application/json", true],
		["\xff\xfea\0", "text/html", false],
		["a\0", "text/plain; charset=utf-16", false],
		["\xef\xbb\xbfh\xff", "application/json", true],
		["\xc3\xbf\xc3\xbe", "text/plain; charset=utf-8", true],
	] as const) {
		const before = Buffer.from(bytes, "latin1");
		const text = decodeContent(before, type);
		const { bytes: after, contentType } = encodeContent(text, type);
		t.equal(decodeContent(after, contentType ?? type), text, bytes);
		if (kept) t.same([after, contentType], [before, null], bytes);
	}
	const { bytes, contentType } = encodeContent("ÿþ€".slice(0, 2), "text/plain");
	t.equal(decodeContent(bytes, contentType ?? "text/plain"), "ÿþ", "text that would look like a byte order mark");
});
