// Charsets of bodies: what the Content-Type names, what the content says, and the defaults.
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
		['<?xml version="1.0" encoding="iso-8859-1"?>\xe9', "application/xml", '<?xml version="1.0" encoding="iso-8859-1"?>é'],
		['@charset "iso-8859-1";\xe9', "text/css", '@charset "iso-8859-1";é'],
		["\xc4\xe3\xba\xc3", "text/plain; charset=gb2312", "你好"],
		["\xef\xbb\xbfab", "text/plain", "ab"],
		["\xff\xfea\0b\0", "text/plain", "ab"],
		["\xfe\xff\0a\0b", "text/plain", "ab"],
		["h\xc3\xa9", "text/plain; charset=no-such", "hé"],
		["h\xff", "application/json", "h\udcff"],
	] as const) {
		t.equal(decodeContent(Buffer.from(bytes, "latin1"), type), text, `${type}`);
	}
});

t.test("encoding keeps the charset where the text fits, and says utf-8 where it does not", async (t) => {
	t.same(encodeContent("é", "text/plain; charset=latin1"), { bytes: Buffer.of(0xe9), contentType: null });
	t.same(encodeContent("é", null), { bytes: Buffer.of(0xe9), contentType: null });
	t.same(encodeContent("é", "application/json"), { bytes: Buffer.from("é"), contentType: null });
	t.equal(encodeContent("世", null).contentType, "text/plain; charset=utf-8");
	t.equal(encodeContent("世", "text/x; charset=latin1; a=b").contentType, "text/x; a=b; charset=utf-8");
});
