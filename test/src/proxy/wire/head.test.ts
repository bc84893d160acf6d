// Heads written as bytes.
import t from "tap";
import { writeFields, writeRequestHead, writeResponseHead } from "../../../../src/proxy/wire/head.ts";

t.test("a request line, unchanged fields, an empty line", async (t) => {
	t.equal(
		writeRequestHead("GET", "/\xe4", "HTTP/1.0", ["hOST", "a", "X", "", "x", "\xff"]),
		"GET /\xe4 HTTP/1.0\r\nhOST: a\r\nX: \r\nx: \xff\r\n\r\n",
	);
	t.equal(writeRequestHead("OPTIONS", "*", "HTTP/1.1", []), "OPTIONS * HTTP/1.1\r\n\r\n");
});

t.test("a status line keeps its space before an empty reason", async (t) => {
	t.equal(writeResponseHead("HTTP/1.1", 404, "Not there", ["A", "b"]), "HTTP/1.1 404 Not there\r\nA: b\r\n\r\n");
	t.equal(writeResponseHead("HTTP/1.1", 200, "", []), "HTTP/1.1 200 \r\n\r\n");
});

t.test("fields alone, for trailers", async (t) => {
	t.equal(writeFields([]), "\r\n");
	t.equal(writeFields(["A", "1"]), "A: 1\r\n\r\n");
});
