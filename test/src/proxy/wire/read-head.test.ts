// Heads parsed from text.
import t from "tap";
import { readRequestHead, readResponseHead, readTrailers, trimBlanks } from "../../../../src/proxy/wire/read-head.ts";

const strict = { headBytes: 1e6, fieldCount: 4, lenient: false };
const lenient = { ...strict, lenient: true };

t.test("a request", async (t) => {
	const head = readRequestHead("GET /a?b=\xe4 HTTP/1.1\r\nHost:a\nX:  b\tc \t\r\nx: \r\n", strict);
	t.strictSame(head, {
		method: "GET",
		target: "/a?b=\xe4",
		version: "HTTP/1.1",
		fields: ["Host", "a", "X", "b\tc", "x", ""],
	});
	t.strictSame(readRequestHead("GET * HTTP/1.0\n", strict), {
		method: "GET",
		target: "*",
		version: "HTTP/1.0",
		fields: [],
	});
	t.equal(readRequestHead("GET * HTTP/1.9\r\n", strict).version, "HTTP/1.9");
});

t.test("a response", async (t) => {
	t.strictSame(readResponseHead("HTTP/1.0 418 I'm a\tteapot\r\nA: b\r\n", strict), {
		version: "HTTP/1.0",
		status: 418,
		reason: "I'm a\tteapot",
		fields: ["A", "b"],
	});
	t.strictSame(readResponseHead("HTTP/1.1 200\n", strict), {
		version: "HTTP/1.1",
		status: 200,
		reason: "",
		fields: [],
	});
	t.equal(readResponseHead("HTTP/1.1 200 \r\n", strict).reason, "");
});

t.test("the error shows an invalid first line", async (t) => {
	for (const limits of [strict, lenient]) {
		t.throws(() => readRequestHead("GET /\r\nA: b\r\n", limits), {
			code: "FT_PROTOCOL",
			message: 'request line: expected "method target HTTP/1.1", found "GET /"',
		});
		t.throws(() => readRequestHead("GET / x HTTP/1.1\n", limits), { message: /found "GET \/ x HTTP\/1.1"/ });
		t.throws(() => readResponseHead("HTTP/1.1 2 OK\r\n", limits), {
			message: 'status line: expected "HTTP/1.1 status reason", found "HTTP/1.1 2 OK"',
		});
	}
});

const fieldsOf = (lines: string, limits = strict) => readRequestHead(`GET / HTTP/1.1\r\n${lines}`, limits).fields;

t.test("odd lines are refused, or accepted if they have a single meaning", async (t) => {
	for (const [lines, message, fields] of [
		["A b: c\r\n", /field name of letters/, ["A b", "c"]],
		["A : c\r\nB: d\r\n", /field name of letters/, ["A ", "c", "B", "d"]],
		["A: b\x01\r\n", /without control characters, found "A: b\\u0001"/, ["A", "b\x01"]],
		["A: b\r\n c\r\n\td\r\n", /a field name at the start of the line, found " c"/, ["A", "b c d"]],
		["A: b\r\n \r\nB: c\r\n", /a field name at the start/, ["A", "b", "B", "c"]],
	] as const) {
		t.throws(() => fieldsOf(lines), { code: "FT_PROTOCOL", message }, JSON.stringify(lines));
		t.strictSame(fieldsOf(lines, lenient), fields);
	}
	for (const lines of [
		"A\r\n",
		": a\r\n",
		"A\0: b\r\n",
		"A\r: b\r\n",
		"A: b\0\r\n",
		"A: b\rc\r\n",
		"A: b\r\r\n",
		" A: b\r\n",
		"A: b\r\n c\0\r\n",
		"Content-Length: 1\r\n 2\r\n",
		"Transfer-Encoding : x\r\n",
		"con\x01tent-length: 1\r\n",
	])
		for (const limits of [strict, lenient])
			t.throws(
				() => fieldsOf(lines, limits),
				{ code: "FT_PROTOCOL", message: /request head: expected/ },
				JSON.stringify(lines),
			);
});

t.test("no more fields than the limit, odd ones too", async (t) => {
	t.equal(fieldsOf("A: b\r\n".repeat(4)).length, 8);
	t.throws(() => fieldsOf("A: b\r\n".repeat(5)), { message: /at most 4 fields/ });
	t.throws(() => fieldsOf("A : b\r\n".repeat(5), lenient), { message: /at most 4 fields/ });
	t.throws(() => readResponseHead(`HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(5)}`, strict), {
		message: /response head: expected at most 4 fields/,
	});
});

t.test("trailers", async (t) => {
	t.strictSame(readTrailers("A: 1\r\na:2\n", strict), ["A", "1", "a", "2"]);
	t.strictSame(readTrailers("A : 1\r\n", lenient), ["A ", "1"]);
	t.throws(() => readTrailers("A\r\n", strict), { message: /trailers: expected "name: value"/ });
	for (const name of ["Content-Length", "transfer-encoding"]) {
		t.throws(() => readTrailers(`${name}: 1\r\n`, strict), { message: /no field that delimits the message/ });
		t.strictSame(readTrailers(`${name}: 1\r\n`, lenient), [name, "1"]);
	}
});

t.test("many blanks take linear time", async (t) => {
	t.equal(trimBlanks(" \t a \t b\t "), "a \t b");
	t.equal(trimBlanks("  "), "");
	t.equal(trimBlanks("xx a xx", 2, 5), "a");
	const many = `a${" \t".repeat(100_000)}`;
	const started = process.cpuUsage();
	for (let i = 0; i < 10; i++) {
		t.equal(trimBlanks(`${many}b`).length, many.length + 1);
		t.equal(fieldsOf(`A: ${many}b${many}\r\n`)[1]?.length, 2 * many.length + 1 - 2 * 100_000);
		t.throws(() => fieldsOf(`A: ${many}\0\r\n`), { message: /without control/ });
	}
	t.ok(process.cpuUsage(started).user < 20_000_000, "seconds of processor time");
});
