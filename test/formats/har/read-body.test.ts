// Restores bodies as sent from every form in a HAR.
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import type { JsonObject } from "../../../formats/fields.ts";
import { EntryFields } from "../../../formats/har/entry-fields.ts";
import { type ReadBody, readContent, readPostData } from "../../../formats/har/read-body.ts";
import { Headers } from "../../../src/flow/headers.ts";

const files = { read: (name: string) => (name === "a.bin" ? Buffer.of(0, 255) : null) };

/** Short bodies are. */
type InMemory = ReadBody & { bytes: Buffer | null };

interface Around {
	headers?: Record<string, string>;
	bodySize?: number;
	head?: Parameters<typeof readContent>[3];
}

function contentOf(content: JsonObject | null, { headers = {}, bodySize = -1, head }: Around = {}) {
	return readContent(
		new EntryFields({ content, bodySize }, "response."),
		Headers.of(...Object.entries(headers)),
		{ attachments: files },
		head,
	) as InMemory;
}

function postDataOf(
	postData: JsonObject | null,
	{ headers = {}, bodySize = -1 }: { headers?: Record<string, string>; bodySize?: number } = {},
) {
	return readPostData(new EntryFields({ postData, bodySize }, "request."), Headers.of(...Object.entries(headers)), {
		attachments: files,
	}) as InMemory;
}

t.test("content as text, base64 and file", async (t) => {
	t.same(contentOf({ size: 2, mimeType: "text/plain", text: "hi" }), {
		bytes: Buffer.from("hi"),
		isCoded: false,
		notes: { mimeType: "text/plain" },
	});
	t.same(contentOf({ size: 2, text: "AP8=", encoding: "base64", _x: 1 }).notes, { _x: 1 });
	t.same(contentOf({ size: 2, text: "AP 8=\n", encoding: "BASE64" }).bytes, Buffer.of(0, 255), "line breaks in base64");
	t.same(contentOf({ size: 2, _file: "a.bin" }).bytes, Buffer.of(0, 255));
	t.equal(contentOf({ size: 2, _file: "b.bin" }).bytes, null);
	t.same(
		contentOf({ size: -1, text: "日", encoding: "shift_jis" }).bytes,
		Buffer.of(0x93, 0xfa),
		"a charset named as encoding",
	);
	t.same(
		contentOf({ text: "a*b", encoding: "base64" }).bytes,
		Buffer.from("a*b"),
		"not base64, although it is declared so",
	);
	t.same(
		contentOf({ size: 8, text: "realtext", encoding: "base64" }).bytes,
		Buffer.from("realtext"),
		"the number of bytes decides",
	);
	t.same(contentOf({ text: 5 }).bytes, Buffer.from("5"));
	t.same(contentOf({ text: { a: [1] } }).bytes, Buffer.from('{"a":[1]}'));
	t.same(contentOf("hi" as never).bytes, Buffer.from("hi"));
});

t.test("missing content", async (t) => {
	t.equal(contentOf(null).bytes?.length, 0);
	t.equal(contentOf({ size: 0, mimeType: "" }, { bodySize: -1 }).bytes?.length, 0);
	t.same(contentOf({ size: 5000, mimeType: "" }), { bytes: null, isCoded: false, notes: { size: 5000 } });
	t.equal(contentOf({ size: 0, text: "", comment: "Response bodies are not included." }).bytes, null);
	t.equal(contentOf({ size: 0, text: "", comment: "" }).bytes?.length, 0);
});

t.test("decoded bodies are encoded again, once", async (t) => {
	const headers = { "content-encoding": "gzip" };
	const packed = gzipSync("hello");
	t.equal(String(gunzipSync(contentOf({ size: 5, text: "hello" }, { headers }).bytes ?? "")), "hello");
	t.same(
		contentOf({ size: packed.length, text: packed.toString("base64"), encoding: "base64" }, { headers }).bytes,
		packed,
		"some leave it compressed",
	);
	const cut = packed.subarray(0, 12);
	t.notSame(
		contentOf({ size: 12, text: cut.toString("base64"), encoding: "base64" }, { headers }).bytes,
		cut,
		"bytes that only begin like gzip",
	);
	t.same(contentOf({ size: 5, text: "hello", _asSent: true }, { headers }).bytes, Buffer.from("hello"));
	t.same(
		contentOf({ size: 5, text: "hello" }, { headers: { "content-encoding": "gzip, snappy" } }).bytes,
		Buffer.from("hello"),
		"an unknown coding",
	);
	t.equal(contentOf({ size: 0, text: "" }, { headers }).bytes?.length, 0, "an answer to HEAD");
});

t.test("as mitmproxy writes requests with binary data", async (t) => {
	const bytesOf = (postData: JsonObject, headers: Record<string, string> = {}) =>
		readPostData(new EntryFields({ postData }, "request."), Headers.of(...Object.entries(headers)), {
			attachments: files,
			isOfMitmproxy: true,
		}).bytes;
	t.same(bytesOf({ mimeType: "application/octet-stream", text: "\u0088\u00ff" }), Buffer.of(0x88, 0xff));
	t.same(bytesOf({ mimeType: "application/json", text: "\u00ff" }), Buffer.from("\u00ff"));
	t.same(bytesOf({ mimeType: "text/plain", text: "\u20ac" }), Buffer.from("\u20ac"), "what does not fit");
	t.same(
		gunzipSync(bytesOf({ mimeType: "a/b", text: "\u00ff" }, { "content-encoding": "gzip" }) as Buffer),
		Buffer.of(0xff),
	);
});

t.test("bodies of requests", async (t) => {
	t.equal(postDataOf(null).bytes?.length, 0);
	t.equal(postDataOf(null, { bodySize: 7 }).bytes, null);
	t.same(
		postDataOf({ mimeType: "", text: "" }, { bodySize: 0 }),
		{ bytes: Buffer.alloc(0), isCoded: false, notes: {} },
		"Fiddler writes one for every request",
	);
	t.same(
		postDataOf({ text: "\0\u00ff" }, { headers: { "content-length": "2" }, bodySize: 3 }).bytes,
		Buffer.of(0, 255),
		"as Chromium writes binary data",
	);
	t.same(postDataOf({ text: "é" }, { bodySize: 2 }).bytes, Buffer.from("é"));
	t.equal(postDataOf({ text: "", comment: "lost" }).bytes, null);
	const form = {
		mimeType: "application/x-www-form-urlencoded",
		params: [{ name: "a b", value: "1&2" }, { name: "c" }],
	};
	t.equal(String(postDataOf(form).bytes), "a+b=1%262&c=");
	t.equal(String(postDataOf({ ...form, text: "" }).bytes), "a+b=1%262&c=", "an empty text beside them");
	const coded = { ...form, params: [{ name: "a%20b", value: "c%26d" }] };
	t.equal(
		String(postDataOf(coded, { headers: { "content-length": "11" } }).bytes),
		"a%20b=c%26d",
		"as they were sent, which the length shows",
	);
	t.equal(String(postDataOf(coded).bytes), "a%2520b=c%2526d");
	t.equal(
		String(
			postDataOf({
				...form,
				params: [
					{ name: "n", value: 5 },
					{ name: "t", value: true },
				],
			}).bytes,
		),
		"n=5&t=true",
	);
	const parts = postDataOf({ ...form, text: "", mimeType: "multipart/form-data; boundary=x" });
	t.match(parts, { bytes: null, params: { list: form.params, made: -1 } }, "they are kept beside the missing body");
	t.equal(
		postDataOf({ ...form, mimeType: "multipart/form-data; boundary=x" }, { bodySize: 90 }).bytes,
		null,
		"files cannot be made up",
	);
});

t.test("a body that was left out is not an empty body", async (t) => {
	const headers = { "content-length": "500" };
	for (const content of [
		{ size: 0 },
		{ size: -1 },
		{},
		null,
		{ size: 500 },
		{ size: 500, text: "" },
		{ size: 0, text: "" },
	])
		for (const bodySize of [500, -1])
			t.equal(contentOf(content, { headers, bodySize }).bytes, null, JSON.stringify(content));
	for (const content of [{ size: 0 }, { size: -1 }, {}, null])
		t.equal(contentOf(content, { bodySize: 700 }).bytes, null, "the size on the wire alone");
	t.equal(contentOf({ size: 0 }, { headers: { ...headers, "content-encoding": "gzip" } }).bytes, null);
	t.equal(postDataOf(null, { headers, bodySize: 0 }).bytes, null);
	t.equal(postDataOf(null, { headers }).bytes, null);
	t.equal(postDataOf({ mimeType: "", text: "" }, { headers }).bytes, null);
	t.equal(postDataOf({ mimeType: "" }, { headers }).bytes, null);
});

t.test("an empty body stays one, with any headers", async (t) => {
	const headers = { "content-length": "500" };
	const isEmpty = ({ bytes }: ReadBody, why: string) => t.equal((bytes as Buffer | null)?.length, 0, why);
	for (const [method, statusCode] of [
		["HEAD", 200],
		["GET", 204],
		["GET", 304],
		["GET", 101],
		["CONNECT", 200],
	] as const)
		isEmpty(
			contentOf({ size: 0 }, { headers, bodySize: 500, head: { method, statusCode } }),
			`${method} ${statusCode}`,
		);
	isEmpty(
		contentOf({ size: 0 }, { headers: { ...headers, location: "/" }, head: { statusCode: 302 } }),
		"browsers keep no body of a redirect",
	);
	isEmpty(
		contentOf({ size: 0 }, { headers, head: { isUnfinished: true } }),
		"it ended before the body, as the error says",
	);
	isEmpty(contentOf({ size: 0 }, { headers: { "content-length": "0" }, bodySize: 300 }), "Content-Length says so");
	isEmpty(contentOf({ size: 0 }, { bodySize: 5 }), "the last chunk alone");
	isEmpty(contentOf({ size: 0, text: "" }, { bodySize: 300 }), "Firefox counts the fields too");
	isEmpty(
		contentOf({ size: 20, text: "" }, { headers: { "content-length": "20", "content-encoding": "gzip" } }),
		"nothing, compressed",
	);
	isEmpty(postDataOf(null, { headers: { "content-length": "0" }, bodySize: 0 }), "Content-Length: 0");
	isEmpty(
		readPostData(
			new EntryFields({}, "request."),
			Headers.of(["content-length", "9"]),
			{ attachments: files },
			{ isUnfinished: true },
		),
		"a cut request",
	);
});

t.test("a body that is shorter than all sizes was cut off", async (t) => {
	const headers = { "content-length": "500" };
	const isCut = (content: JsonObject, more: Parameters<typeof contentOf>[1] = {}) =>
		contentOf(content, { headers, ...more }).isCut === true;
	t.ok(isCut({ size: 500, text: "abc" }));
	t.ok(isCut({ size: 500, text: "abc" }, { bodySize: 500 }));
	t.ok(isCut({ size: 500, text: "YWJj", encoding: "base64" }));
	t.notOk(isCut({ size: 500, text: "abc" }, { headers: { ...headers, "content-encoding": "gzip" } }), "compressed");
	t.notOk(isCut({ size: 3, text: "abc" }), "the size is that of the text");
	t.notOk(isCut({ size: -1, text: "abc" }), "one size alone is no evidence");
	t.notOk(isCut({ size: 500, text: "abc" }, { headers: {} }), "nor is this");
	t.notOk(isCut({ size: 500, text: "abc" }, { bodySize: 3 }), "the size on the wire");
	t.notOk(isCut({ size: 500, text: "abc" }, { head: { method: "HEAD" } }), "an answer to HEAD");
	t.notOk(isCut({ size: 6, text: "abc" }, { headers: { "content-length": "6" } }), "without its byte order mark");
	t.notOk(isCut({ size: 8, text: "abc" }, { headers: { "content-length": "8" } }), "UTF-16 with a byte order mark");
	t.notOk(isCut({ size: 8, text: "a\nbc\nd" }, { headers: { "content-length": "8" } }), "line breaks of one character");
	t.notOk(isCut({ size: 500, text: "" }), "there is none at all");
});
