// Decodes a string in pieces of any size, in memory and in a file.
import t from "tap";
import { decodeBase64 } from "../../formats/json-values.ts";
import { decodeString, LongStringReader, LongTextReader } from "../../formats/long-string.ts";

const texts = [
	"plain",
	"é漢🍇".repeat(50),
	'\\"\n\t\u0001'.repeat(50),
	"\\".repeat(99),
	"x".repeat(30) + "\u2028".repeat(30),
];

t.test("in pieces of any size, escaped or not", async (t) => {
	for (const text of texts)
		for (const raw of [
			JSON.stringify(text).slice(1, -1),
			[...text.split("")].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
		])
			for (const limit of [10, 1_000_000])
				for (let size = 1; size < 30; size++) {
					const reader = new LongStringReader(limit);
					const bytes = Buffer.from(raw);
					for (let at = 0; at < bytes.length; at += size) reader.write(bytes.subarray(at, at + size));
					const long = reader.end();
					if (long.read().equals(Buffer.from(text)) && long.size === Buffer.byteLength(text)) continue;
					t.fail(`${raw.slice(0, 20)} in pieces of ${size}, limit ${limit}`);
				}
});

t.test("text keeps lone surrogates for any split", async (t) => {
	for (const text of [...texts, "\ud83d\n\udf47\ud83d\udf47".repeat(20)])
		for (let size = 1; size < 30; size++) {
			const reader = new LongTextReader();
			const bytes = Buffer.from(JSON.stringify(text).slice(1, -1));
			for (let at = 0; at < bytes.length; at += size) reader.write(bytes.subarray(at, at + size));
			if (reader.end() !== text) t.fail(`${JSON.stringify(text.slice(0, 20))} in pieces of ${size}`);
		}
});

t.test("base64 with line breaks", async (t) => {
	const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7) % 256));
	const reader = new LongStringReader();
	for (const line of bytes.toString("base64").match(/.{1,19}/g) ?? []) reader.write(Buffer.from(`${line}\\r\\n`));
	const decoded = reader.end().fromBase64();
	t.same(Buffer.isBuffer(decoded) ? decoded : decoded?.read(), bytes);
});

t.test("a string that is not base64, in memory and in a file", async (t) => {
	const start = "YWJj".repeat(500_000);
	for (const limit of [10, undefined])
		for (const text of ["YQ==YWJj", "YWJj*YWJj", "é", "Y", "YQ===", "YQ==", "YQ", "", "YWJj"]) {
			const reader = new LongStringReader(limit);
			reader.write(Buffer.from(start + text));
			const decoded = reader.end().fromBase64();
			const read = decoded === undefined || Buffer.isBuffer(decoded) ? decoded : decoded.read();
			t.ok(
				read === undefined
					? decodeBase64(start + text) === undefined
					: read.equals(Buffer.from(start + text, "base64")),
			);
			t.equal(decoded !== undefined, text.length <= 4 && /^(?:[\w=]{2,})?$/.test(text), text);
		}
});

t.test("invalid strings", async (t) => {
	for (const raw of [Buffer.from([0xff]), Buffer.from("\n"), Buffer.from("\\x"), Buffer.from("\\")])
		t.throws(() => decodeString(raw), { code: "FT_CORRUPT_FLOW" });
	const reader = new LongStringReader();
	reader.write(Buffer.from("a\\"));
	t.throws(() => reader.end(), { code: "FT_CORRUPT_FLOW" });
});
