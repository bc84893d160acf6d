// Bodies, formatted for people.
import { deflateRawSync, gzipSync } from "node:zlib";
import t from "tap";
import { httpResponse } from "../../../fixtures/build-flow.ts";
import { bodyText } from "../../../src/views/body.ts";

const shown = (type: string, body: string | Buffer | null, more: readonly [string, string][] = [], limit?: number) =>
	bodyText(httpResponse({ headers: [["Content-Type", type], ...more], body }), limit);

t.test("JSON is indented, by its type or its content", async (t) => {
	const laidOut = '{\n  "a": [\n    1,\n    "é"\n  ]\n}\n';
	for (const type of ["application/json", "application/problem+json; charset=utf-8", "text/plain"])
		t.equal(shown(type, '{"a":[1,"é"]}'), laidOut, type);
	t.equal(shown("application/json", "{not json"), "{not json\n");
	t.equal(shown("application/json", "17"), "17\n");
	t.equal(shown("application/json-seq", '\x1e{"a":1}\n\x1e[]\n'), '{\n  "a": 1\n}\n[]\n');
});

t.test("forms have one field per line", async (t) => {
	t.equal(shown("application/x-www-form-urlencoded", "a=1&b=x+y%21&a="), "a: 1\nb: x y!\na: \n");
});

t.test("text is decoded by content coding and charset, and ends with one line feed", async (t) => {
	t.equal(shown("text/plain", "one\r\ntwo\n"), "one\ntwo\n");
	t.equal(shown("text/plain; charset=iso-8859-1", Buffer.from("caf\xe9", "latin1")), "café\n");
	t.equal(shown("text/plain; charset=iso-8859-1", Buffer.from("caf\xe9 au lait", "latin1")), "café au lait\n");
	t.equal(shown("text/plain", Buffer.from("\ufeffhé", "utf16le")), "hé\n");
	t.match(shown("text/html", Buffer.from('<meta charset="latin1">caf\xe9 au lait', "latin1")), /café au lait\n/);
	t.match(shown("text/plain; charset=utf-8", Buffer.from("caf\xe9 au lait", "latin1")), /^00000000 {2}63/);
	t.equal(shown("text/plain", gzipSync("packed"), [["Content-Encoding", "gzip"]]), "packed\n");
	t.equal(shown("text/plain", "\u001b[31m"), "␛[31m\n");
});

t.test("binary data is a hex dump", async (t) => {
	t.equal(
		shown("x/y", Buffer.from("\x89PNX\r\n\x1a\n\0\0\0\rIHDR!", "latin1")),
		`00000000  89 50 4e 58 0d 0a 1a 0a 00 00 00 0d 49 48 44 52  .PNX........IHDR\n00000010  21${" ".repeat(46)} !\n`,
	);
	t.match(
		shown("text/plain", deflateRawSync("x".repeat(50)), [["Content-Encoding", "gzip"]]),
		/^00000000 {2}/,
		"what cannot be decoded",
	);
	t.match(shown("x/y", Buffer.alloc(5000, 1)), /\n00000ff0 [^\n]*\n… 904 bytes more\n$/);
});

t.test("empty and missing bodies", async (t) => {
	t.equal(shown("text/plain", ""), "");
	t.equal(shown("text/plain", null), "(body not recorded)\n");
});

t.test("long text ends with the number of remaining bytes, even in the middle of a character", async (t) => {
	t.equal(shown("text/plain", "0123456789", [], 4), "0123\n… 6 bytes more\n");
	t.match(shown("text/plain", "é".repeat(800)), /^é{800}\n$/, "cut in the middle while looking for binary");
});
