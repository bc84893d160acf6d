// The length of a body.
import t from "tap";
import { type Framing, hasBody, requestFraming, responseFraming } from "../../../../src/proxy/wire/framing.ts";

const request = (fields: readonly string[], { lenient = false, version = "HTTP/1.1" } = {}) =>
	requestFraming({ method: "POST", target: "/", version, fields: [...fields] }, lenient);
const response = (
	status: number,
	fields: readonly string[],
	{ lenient = false, method = "GET", version = "HTTP/1.1" } = {},
) => responseFraming({ status, reason: "", version, fields: [...fields] }, method, lenient);

const none: Framing = { kind: "none" };
const chunked: Framing = { kind: "chunked" };
const close: Framing = { kind: "close" };
const length = (n: number): Framing => ({ kind: "length", length: n });

t.test("framing of requests", async (t) => {
	t.strictSame(request([]), none);
	t.strictSame(request(["Host", "a", "X-Content-Length", "5"]), none);
	t.strictSame(request(["content-LENGTH", "5"]), length(5));
	t.strictSame(request(["Content-Length", "0"]), length(0));
	t.strictSame(request(["Content-Length", "9007199254740991"]), length(Number.MAX_SAFE_INTEGER));
	t.strictSame(request(["TRANSFER-encoding", "\tChunked"]), chunked);
	t.strictSame(request(["Transfer-Encoding", "deflate,chunked"]), chunked);
});

t.test("framing of responses: method and status take precedence", async (t) => {
	t.strictSame(response(200, []), close);
	t.strictSame(response(200, ["Content-Length", "5"]), length(5));
	t.strictSame(response(200, ["Transfer-Encoding", "chunked"]), chunked);
	t.strictSame(response(200, ["Transfer-Encoding", "gzip"]), close);
	t.strictSame(response(200, ["Transfer-Encoding", "identity"]), close);
	for (const fields of [[], ["Content-Length", "5"], ["Transfer-Encoding", "chunked"]]) {
		t.strictSame(response(200, fields, { method: "HEAD" }), none, `HEAD, ${fields}`);
		t.strictSame(response(304, fields), none, `304, ${fields}`);
		t.strictSame(response(299, fields, { method: "CONNECT" }), none, `CONNECT, ${fields}`);
	}
	for (const status of [100, 101, 103, 204]) t.strictSame(response(status, ["Content-Length", "5"]), none);
	t.strictSame(response(404, ["Content-Length", "5"], { method: "CONNECT" }), length(5));
});

t.test("ambiguous messages are refused", async (t) => {
	for (const [fields, message] of [
		[["Content-Length", "5", "Content-Length", "5"], /content-length: expected one field, found "5, 5"/],
		[["Content-Length", "5 "], /a number of bytes/],
		[["Content-Length", ""], /a number of bytes/],
		[["Content-Length", "9007199254740992"], /at most 9007199254740991/],
		[["Content-Length", "5", "Transfer-Encoding", "chunked"], /either content-length or transfer-encoding/],
		[["Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"], /one field/],
		[["Transfer-Encoding", "br, chunked"], /chunked, or gzip, deflate or compress and then chunked/],
		[["Transfer-Encoding", "chunked, gzip"], /and then chunked/],
	] as const) {
		t.throws(() => request(fields), { code: "FT_PROTOCOL", message }, `request ${fields}`);
		t.throws(() => response(200, fields), { code: "FT_PROTOCOL", message }, `response ${fields}`);
		t.throws(() => response(304, fields), { code: "FT_PROTOCOL", message }, `a response without a body, ${fields}`);
	}
	t.throws(() => request(["Transfer-Encoding", "gzip"]), { message: /"chunked" as the last coding, found "gzip"/ });
	t.throws(() => request(["Transfer-Encoding", "chunked"], { version: "HTTP/1.0" }), {
		message: /no transfer-encoding with HTTP\/1\.0/,
	});
	for (const status of [101, 204])
		t.throws(() => response(status, ["Transfer-Encoding", "chunked"]), { message: /no transfer-encoding/ });
});

t.test("the lenient rules accept messages with a single meaning", async (t) => {
	const lenient = true;
	t.strictSame(request(["Content-Length", "5", "Content-Length", "05"], { lenient }), length(5));
	t.strictSame(response(200, ["Content-Length", "5 ,5"], { lenient }), length(5));
	t.strictSame(request(["Content-Length", "5", "Transfer-Encoding", "chunked"], { lenient }), chunked);
	t.strictSame(request(["Transfer-Encoding", "br, chunked"], { lenient }), chunked);
	t.strictSame(request(["Transfer-Encoding", "br", "Transfer-Encoding", "chunked"], { lenient }), chunked);
	t.strictSame(request(["Transfer-Encoding", "chunked"], { lenient, version: "HTTP/1.0" }), chunked);
	t.strictSame(request(["Transfer-Encoding", "identity"], { lenient }), none);
	t.strictSame(request(["Transfer-Encoding", "identity", "Content-Length", "5"], { lenient }), length(5));
	t.strictSame(response(204, ["Transfer-Encoding", "chunked"], { lenient }), none);
	t.throws(() => request(["Content-Length", "5", "Content-Length", "6"], { lenient }), { message: /one length/ });
	t.throws(() => request(["Content-Length", "5,"], { lenient }), { message: /a number of bytes/ });
	t.throws(() => request(["Transfer-Encoding", "gzip"], { lenient }), { message: /"chunked" as the last coding/ });
	for (const codings of ["chunked, chunked", "chunked, br", "chunked,", ""]) {
		t.throws(() => request(["Transfer-Encoding", codings], { lenient }), { message: /"chunked" once and last/ });
	}
});

t.test("whether there can be a body", async (t) => {
	t.strictSame([none, length(0), length(1), chunked, close].map(hasBody), [false, false, true, true, true]);
});
