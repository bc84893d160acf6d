// Invalid and ambiguous syntax of HTTP/1.1 (RFC 9112), as in defective programs and in request smuggling: whether it
// passes, and in which form. Each case has the exact bytes that the other side receives.
import t from "tap";
import { startOrigin } from "../../fixtures/origin-server.ts";
import { startTestProxy } from "../../fixtures/running-proxy.ts";

/** Begins every request; `HOST` is the origin's authority. */
const LINE = "GET http://HOST/ HTTP/1.1\r\n";
const POST = "POST http://HOST/ HTTP/1.1\r\nHost: HOST\r\n";
const get = (...fields: string[]) => `${LINE}Host: HOST\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;
const coded = (coding: string, body = "0\r\n\r\n") => `${POST}Transfer-Encoding: ${coding}\r\n\r\n${body}`;
const chunks = (body: string) => coded("chunked", body);
const sized = (length: string, body = "abc") => `${POST}Content-Length: ${length}\r\n\r\n${body}`;

/** The bytes that the origin receives: the same in origin form, another text, or none if the client gets 400. */
const SAME = "the same";
const requests: [name: string, sent: string, forwarded: string | null][] = [
	["a plain request", get("X-A: 1"), SAME],
	["names in odd case, twice, empty values", get("x-A: 1", "X-a: 2", "X-Empty: "), SAME],
	["blanks around a value", get("X-A:\t v \t"), get("X-A: v")],
	["bytes beyond ASCII", get("X-A: \xff\xe9"), SAME],
	["lines that end in LF", get("X-A: 1").replaceAll("\r\n", "\n"), get("X-A: 1")],
	["empty lines before the request", `\r\n\r\n${get()}`, get()],
	["a minor version to come", get().replace("HTTP/1.1", "HTTP/1.2"), get()],
	["HTTP/1.0", get().replace("HTTP/1.1", "HTTP/1.0"), SAME],
	["a major version to come", get().replace("HTTP/1.1", "HTTP/3.0"), null],
	["a version in small letters", get().replace("HTTP/1.1", "http/1.1"), null],
	["a version with a leading zero", get().replace("HTTP/1.1", "HTTP/01.1"), null],
	["a request line without a version", "GET http://HOST/\r\n\r\n", null],
	["two blanks in the request line", get().replace("GET ", "GET  "), null],
	["tabs in the request line", get().replace("GET ", "GET\t").replace(" HTTP", "\tHTTP"), null],
	["a blank after the version", get().replace("HTTP/1.1", "HTTP/1.1 "), null],
	["a blank in the target", get().replace("HOST/", "HOST/a b"), null],
	["a control character in the target", get().replace("HOST/", "HOST/\x01"), null],
	["DEL in the target", get().replace("HOST/", "HOST/\x7f"), null],
	["a target that is none", get().replace("http://HOST/", "HOST"), null],
	["a method that is not a token", get().replace("GET", "G@T"), null],
	["a line that ends in CR alone", get().replace("1.1\r\n", "1.1\r"), null],
	["a blank before the colon", get("X-A : 1"), null],
	["a blank before the first name", get().replace("Host", " Host"), null],
	["a folded value", get("X-A: 1\r\n 2"), null],
	["a folded value, with a tab", get("X-A: 1\r\n\t2"), null],
	["a name that is not a token", get("X(A: 1"), null],
	["no name", get(": 1"), null],
	["no colon", get("X-A"), null],
	["NUL in a value", get("X-A: a\0b"), null],
	["a control character in a value", get("X-A: a\x0bb"), null],
	["CR in a value", get("X-A: a\rb"), null],

	["a length", sized("3"), SAME],
	["a length with blanks", sized(" 3 "), sized("3")],
	["a body of a GET", `${get("Content-Length: 3")}abc`, SAME],
	["a name that looks like the length's", `${POST}Content_Length: 3\r\n\r\n`, SAME],
	["two lengths", sized("3\r\nContent-Length: 4", "abcd"), null],
	["the same length twice", sized("3\r\nContent-Length: 3"), null],
	["the same length twice, in one field", sized("3, 3"), null],
	["a length of no digits", sized(""), null],
	["a length with a sign", sized("+3"), null],
	["a length below zero", sized("-3"), null],
	["a length in hexadecimal digits", sized("0x3"), null],
	["a length with a leading zero", sized("03"), null],
	["a length with a vertical tab", sized("\x0b3"), null],
	["a length that is too large", sized("99999999999999999999"), null],
	["a length beside chunks", `${POST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, null],
	["chunks beside a length", `${POST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`, null],

	["chunks", chunks("3\r\nabc\r\n0\r\n\r\n"), SAME],
	["chunks in capitals", coded("ChunKed"), SAME],
	["a coding before chunks", coded("gzip, chunked"), SAME],
	["chunked after a tab", coded("\tchunked"), coded("chunked")],
	["chunks and then a coding", coded("chunked, gzip"), null],
	["chunks twice", coded("chunked, chunked"), null],
	["chunks in two fields", coded("chunked\r\nTransfer-Encoding: identity"), null],
	["something like chunks", coded("xchunked"), null],
	["chunks in quotes", coded('"chunked"'), null],
	["chunks with a parameter", coded("chunked;q=1"), null],
	["chunked after a vertical tab", coded("\x0bchunked"), null],
	["chunks in a folded field", `${POST}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`, null],
	["chunks with a blank before the colon", `${POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`, null],
	["chunks in HTTP/1.0", coded("chunked").replace("HTTP/1.1", "HTTP/1.0"), null],
	["identity beside a length", `${POST}Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc`, null],

	["zeros before a chunk's size", chunks("003\r\nabc\r\n0\r\n\r\n"), chunks("3\r\nabc\r\n0\r\n\r\n")],
	["a chunk's extension", chunks("3;x=y\r\nabc\r\n0\r\n\r\n"), chunks("3\r\nabc\r\n0\r\n\r\n")],
	["a chunk's extension with a line break", chunks('3;x="\ny\r\nabc\r\n0\r\n\r\n'), null],
	["a chunk's size with a prefix", chunks("0x3\r\nabc\r\n0\r\n\r\n"), null],
	["a chunk's size with a sign", chunks("+3\r\nabc\r\n0\r\n\r\n"), null],
	["a chunk's size below zero", chunks("-3\r\nabc\r\n0\r\n\r\n"), null],
	["a chunk size that is too large", chunks("fffffffffffffffff\r\nabc\r\n0\r\n\r\n"), null],
	["no size", chunks("\r\nabc\r\n0\r\n\r\n"), null],
	["a chunk's size that ends in LF", chunks("3\nabc\r\n0\r\n\r\n"), null],
	["a chunk's size that ends in CR", chunks("3\rabc\r\n0\r\n\r\n"), null],
	["a chunk that is longer than its size", chunks("3\r\nabcd\r\n0\r\n\r\n"), null],
	["other bytes in place of a chunk's end", chunks("3\r\nabcXX0\r\n\r\n"), null],
	["a trailer", chunks("0\r\nX-T: 1\r\n\r\n"), SAME],
	["a length in a trailer", chunks("0\r\nContent-Length: 5\r\n\r\n"), null],
	["a trailer with a name that is not a token", chunks("0\r\nbad name: 1\r\n\r\n"), null],
];

t.test("requests", async (t) => {
	const proxy = await startTestProxy(t);
	for (const [name, sent, forwarded] of requests) {
		let got = "";
		const origin = await startOrigin(t, async (server) => {
			got = (await server.take(want?.length ?? 1)).latin1Slice();
			server.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
		});
		const named = (text: string) => text.replaceAll("HOST", origin.authority);
		const want =
			forwarded === null ? null : named((forwarded === SAME ? sent : forwarded).replace("http://HOST/", "/"));
		const client = (await proxy.connect()).send(Buffer.from(named(sent), "latin1"));
		t.match(await client.head(), want === null ? /^HTTP\/1\.1 400 / : /^HTTP\/1\.[01] 200 /, name);
		if (want === null) t.equal(origin.connections.length, 0, `${name}: nothing of it goes on`);
		else t.equal(got, want);
		client.close();
		origin.close();
	}
});

const OK = "HTTP/1.1 200 OK\r\n";
const answer = (...lines: string[]) => `${OK}${lines.map((line) => `${line}\r\n`).join("")}`;
const answered = (body: string) => `${answer("Transfer-Encoding: chunked")}\r\n${body}`;
const sizedAnswer = (length: string) => `${answer(`Content-Length: ${length}`)}\r\nabc`;

/** The bytes that the client receives: the same, another text, or 502. */
const responses: [name: string, sent: string, delivered: string | null][] = [
	["a length", sizedAnswer("3"), SAME],
	["chunks", answered("3\r\nabc\r\n0\r\n\r\n"), SAME],
	["chunks with an extension and zeros", answered("003;x=y\r\nabc\r\n0\r\n\r\n"), answered("3\r\nabc\r\n0\r\n\r\n")],
	["a trailer", answered("0\r\nX-T: 1\r\n\r\n"), SAME],
	["no phrase", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", SAME],
	["a non-standard status", "HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", SAME],
	["no length, till the connection ends", `${answer("X-A: 1")}\r\nabc`, SAME],
	["two lengths", sizedAnswer("3\r\nContent-Length: 4"), null],
	["a length with a sign", sizedAnswer("+3"), null],
	["a length below zero", sizedAnswer("-1"), null],
	["a length that is too large", sizedAnswer("99999999999999999999"), null],
	["a length beside chunks", `${answer("Content-Length: 3", "Transfer-Encoding: chunked")}\r\n0\r\n\r\n`, null],
	["something like chunks", `${answer("Transfer-Encoding: xchunked")}\r\n0\r\n\r\n`, null],
	["chunks twice", `${answer("Transfer-Encoding: chunked, chunked")}\r\n0\r\n\r\n`, null],
	["a chunk's size with a prefix", answered("0x3\r\nabc\r\n0\r\n\r\n"), null],
	["a chunk that is longer than its size", answered("3\r\nabcd\r\n0\r\n\r\n"), null],
	["a chunk that is cut off", answered("5\r\nabc"), null],
	["an end that is missing", answered("3\r\nabc\r\n"), null],
	["a body that is cut off", sizedAnswer("4"), null],
	["NUL in a value", `${answer("X-A: a\0b", "Content-Length: 0")}\r\n`, null],
	["CR in a value", `${answer("X-A: a\rb", "Content-Length: 0")}\r\n`, null],
	["no name", `${answer(": 1", "Content-Length: 0")}\r\n`, null],
	["no colon", `${answer("X-A", "Content-Length: 0")}\r\n`, null],
	["a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", null],
	["a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", null],
	["a status of letters", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", null],
	["another protocol", "ICY 200 OK\r\nContent-Length: 0\r\n\r\n", null],
	["no answer at all", "", null],
];

t.test("responses", async (t) => {
	const proxy = await startTestProxy(t);
	for (const [name, sent, delivered] of responses) {
		const origin = await startOrigin(t, async (server) => {
			await server.head();
			server.send(Buffer.from(sent, "latin1")).end();
		});
		const client = (await proxy.connect()).send(
			`GET http://${origin.authority}/ HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`,
		);
		if (delivered === null) t.match(await client.head(), /^HTTP\/1\.1 502 /, name);
		else {
			const want = delivered === SAME ? sent : delivered;
			t.equal((await client.take(want.length)).latin1Slice(), want, name);
		}
		client.close();
		origin.close();
	}
});
