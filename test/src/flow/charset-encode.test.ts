// Text is encoded as the bytes that decode to it.
import t from "tap";
import { encodeCharset } from "../../../src/flow/charset-encode.ts";

t.test("encodes every charset that the platform decodes", async (t) => {
	for (const [charset, text] of [
		["utf-8", "Tür 🍇"],
		["shift_jis", "日本語テスト abc"],
		["euc-jp", "日本語"],
		["euc-kr", "한국어"],
		["gbk", "中文"],
		["big5", "中文測試"],
		["windows-1251", "Привет"],
		["koi8-r", "Привет"],
		["iso-8859-2", "žluťoučký"],
		["iso-8859-7", "Ελληνικά"],
	] as const) {
		const bytes = encodeCharset(text, charset);
		t.equal(bytes === null ? null : new TextDecoder(charset).decode(bytes), text, charset);
	}
	t.same(encodeCharset("caf\u00e9", "ISO-8859-1"), Buffer.from("caf\xe9", "latin1"));
	t.same(encodeCharset("“€”", "windows-1252"), Buffer.of(0x93, 0x80, 0x94));
	t.same(encodeCharset("aé", "utf-16le"), Buffer.of(0x61, 0, 0xe9, 0));
});

t.test("unencodable text and unknown charsets", async (t) => {
	t.equal(encodeCharset("€", "latin1"), null);
	t.equal(encodeCharset("🍇", "windows-1251"), null);
	t.equal(encodeCharset("日本", "iso-2022-jp"), null);
	t.equal(encodeCharset("é", "klingon"), null);
});
