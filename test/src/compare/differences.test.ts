// Differences between two recordings of an exchange.
import { gzipSync } from "node:zlib";
import t from "tap";
import { type HttpParts, httpFlow } from "../../../fixtures/build-flow.ts";
import { answerDifferences, flowDifferences } from "../../../src/compare/differences.ts";
import { compileIgnore } from "../../../src/compare/ignore.ts";

function compare(before: HttpParts, after: HttpParts, ...ignore: string[]) {
	return flowDifferences(httpFlow(before), httpFlow(after), compileIgnore(ignore)).map(
		({ side, part, name, before: was, after: is }) => [side, part, name, was, is],
	);
}

t.test("equal flows, and parts that are always ignored", async (t) => {
	t.same(compare({}, {}), []);
	t.same(compare({ response: { headers: [["Date", "x"]] } }, { response: { headers: [["date", "y"]] } }), []);
	t.same(compare({ response: { headers: [["ETag", "x"]] } }, { response: { headers: [] } }, "header:etag"), []);
});

t.test("requests: target, query, headers, cookies", async (t) => {
	t.same(
		compare(
			{
				request: {
					path: "/a?x=1&y=2",
					headers: [
						["A", "1"],
						["Cookie", "s=1; t=2"],
					],
				},
			},
			{
				request: {
					method: "POST",
					path: "/b?y=2&x=3",
					headers: [
						["a", "2"],
						["cookie", "t=2"],
					],
				},
			},
		),
		[
			["request", "method", null, "GET", "POST"],
			["request", "path", null, "/a", "/b"],
			["request", "query", "x", "1", "3"],
			["request", "cookie", "s", "1", null],
			["request", "header", "a", "1", "2"],
		],
	);
});

t.test("responses: status, errors, cookies without their expiry, trailers", async (t) => {
	t.same(
		compare(
			{
				response: {
					headers: [["Set-Cookie", "s=1; Path=/; Expires=Mon, 01 Jan 2024 00:00:00 GMT"]],
					trailers: [["T", "1"]],
				},
			},
			{
				response: {
					statusCode: 500,
					headers: [
						["Set-Cookie", "s=1; Path=/; Expires=Tue, 02 Jan 2024 00:00:00 GMT"],
						["Set-Cookie", "u=2"],
					],
				},
			},
		),
		[
			["response", "status", null, "200", "500"],
			["response", "cookie", "u", null, "2"],
			["response", "trailer", "t", "1", null],
		],
	);
	t.same(compare({}, { response: null, error: { message: "refused", timestamp: 1 } }), [
		["response", "error", null, null, "refused"],
		["response", "status", null, "200", null],
	]);
});

t.test("bodies: JSON by pointer, forms by field, others by size", async (t) => {
	const body = (text: string | Buffer, ...headers: [string, string][]): HttpParts => ({
		response: { headers, body: text },
	});
	t.same(compare(body('{"a": {"b/c": [1, 2]}, "d": "x"}'), body('{"d": "x", "a": {"b/c": [1, 3, null]}}')), [
		["response", "json", "/a/b~1c/1", "2", "3"],
		["response", "json", "/a/b~1c/2", null, "null"],
	]);
	t.same(compare(body('{"at": 1, "n": 1}'), body('{"at": 2, "n": 2}'), "json:/at"), [
		["response", "json", "/n", "1", "2"],
	]);
	const form: [string, string] = ["Content-Type", "application/x-www-form-urlencoded"];
	t.same(compare(body("a=1&b=2", form), body("b=2&a=3", form)), [["response", "form", "a", "1", "3"]]);
	t.same(
		compare(body(gzipSync('{"a":1}'), ["Content-Encoding", "gzip"]), body('{ "a": 1 }', ["Content-Encoding", "gzip"])),
		[],
		"a body that cannot be decoded is compared as it is",
	);
	t.same(compare(body("one"), body("two")), [["response", "body", null, '"one"', '"two"']]);
	t.same(compare(body(Buffer.alloc(100)), { response: { headers: [], body: null } }), [
		["response", "body", null, "100 bytes", null],
	]);
	const deep = `${"[".repeat(5000)}${"]".repeat(5000)}`;
	t.match(compare(body(deep), body(`${deep} `)), [["response", "body"]], "what is nested without end is no JSON to us");
});

t.test("bodies that differ are reported even if their texts are equal", async (t) => {
	const body = (text: string | Buffer, ...headers: [string, string][]): HttpParts => ({
		response: { headers, body: text },
	});
	const long = "x".repeat(2999);
	t.same(
		compare(body(`${long}x`), body(`${long}y`)),
		[["response", "body", null, "3000 bytes", "3000 bytes, different from byte 3000 on"]],
		"text of the same size",
	);
	t.same(
		compare(body(Buffer.alloc(100)), body(Buffer.alloc(100, 1))),
		[["response", "body", null, "100 bytes", "100 bytes, different from byte 1 on"]],
		"bytes of the same size",
	);
	t.match(
		compare(body(Buffer.of(0x61, 0xfe)), body(Buffer.of(0x61, 0xff))),
		[["response", "body", null, String, /, different from byte 2 on$/]],
		"bytes that are no UTF-8",
	);
	t.same(
		compare(
			body('{"id": 1234567890123456789, "s": "\\"1234567890123456789"}'),
			body('{"id": 1234567890123456788, "s": "\\"1234567890123456789"}'),
		),
		[["response", "json", "/id", "1234567890123456789", "1234567890123456788"]],
		"integers beyond the precision of a double",
	);
	t.same(
		compare(body('{"id": 1234567890123456789, "n": 1.50}'), body('{"n": 1.5, "id": 1234567890123456789}')),
		[],
		"but equal values in another order or form are equal",
	);
	const form: [string, string] = ["Content-Type", "application/x-www-form-urlencoded"];
	t.same(
		compare(body("a=1&a=2", form), body("a=1, 2", form)),
		[["response", "form", "a", '["1","2"]', "1, 2"]],
		"two fields, and one with a comma",
	);
	t.same(
		compare({ request: { path: "/?a=1&a=2" } }, { request: { path: "/?a=1%2C%202" } }),
		[["request", "query", "a", '["1","2"]', "1, 2"]],
		"two parameters, and one with a comma",
	);
	t.same(
		compare(
			{
				response: {
					headers: [
						["A", "1"],
						["A", "2"],
					],
				},
			},
			{ response: { headers: [["A", "1, 2"]] } },
		),
		[],
		"a header in two lines is the same as in one",
	);
});

t.test("ends of responses are compared, not their error messages", async (t) => {
	const failed = (message: string): HttpParts => ({ error: { message, timestamp: 1 } });
	t.same(compare({}, failed("the server broke off")), [["response", "ended", null, "server", "cut"]]);
	t.same(compare(failed("a reset"), failed("the end came too early")), []);
	t.same(compare({ ...failed("refused"), response: null }, { ...failed("no such name"), response: null }), [
		["response", "error", null, "refused", "no such name"],
	]);
});

t.test("a new response may continue after the end of an incomplete recorded one", async (t) => {
	const differ = (before: HttpParts, after: HttpParts) =>
		answerDifferences(httpFlow(before), httpFlow(after), compileIgnore([])).map(({ part, before: was, after: is }) => [
			part,
			was,
			is,
		]);
	const ended = (end: "server" | "client" | "cut", body: string): HttpParts => ({ ended: end, response: { body } });
	t.same(differ(ended("client", "data: 1"), ended("client", "data: 1, 2")), []);
	t.same(differ(ended("client", "data: 1, 2"), ended("server", "data: 1")), []);
	t.same(differ(ended("client", "data: 1"), ended("client", "data: 2")), [["body", '"data: 1"', '"data: 2"']]);
	t.same(differ(ended("cut", "half"), ended("server", "half of it")), [["ended", "cut", "server"]]);
	t.same(differ(ended("server", "half of it"), ended("cut", "half")), [
		["ended", "server", "cut"],
		["body", '"half of it"', '"half"'],
	]);
});

t.test("bodies that are too large for memory are compared in pieces", async (t) => {
	const MIB = 1024 * 1024;
	/** A body of spaces and a last byte that can be read only in pieces. */
	const large = (size: number, last = " ") => ({
		size,
		read: () => t.fail("read into memory") as never,
		*chunks() {
			const chunk = Buffer.alloc(MIB, " ");
			for (let at = MIB; at < size; at += MIB) yield chunk;
			yield Buffer.concat([chunk.subarray(1), Buffer.from(last)]);
		},
	});
	const bodies = (before: NonNullable<HttpParts["response"]>, after: NonNullable<HttpParts["response"]>) =>
		compare({ response: before }, { response: after });
	t.same(bodies({ body: large(65 * MIB) }, { body: large(65 * MIB) }), []);
	const size = 65 * MIB;
	t.same(bodies({ body: large(size) }, { body: large(size, "x") }), [
		["response", "body", null, `${size} bytes`, `${size} bytes, different from byte ${size} on`],
	]);
	for (const type of ["application/json", "application/x-www-form-urlencoded"])
		t.same(
			bodies(
				{ headers: [["content-type", type]], body: "1" },
				{ headers: [["content-type", type]], body: large(1024 * MIB) },
			),
			[["response", "body", null, '"1"', `${1024 * MIB} bytes`]],
		);
	const cut = httpFlow({ response: { body: "  " }, error: { message: "cut", timestamp: 0 }, ended: "client" });
	const fresh = (last: string) =>
		httpFlow({
			response: { body: large(size, last) },
			error: { message: "cut", timestamp: 0 },
			ended: "client",
		});
	t.same(answerDifferences(cut, fresh("x"), compileIgnore([])), []);
});
