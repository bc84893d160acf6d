// Messages created from parsed heads.
import { gzipSync } from "node:zlib";
import t from "tap";
import { requestOf, responseOf } from "../../../../src/proxy/exchange/messages.ts";

const target = { scheme: "https", host: "example.com", port: 8443, path: "/p" } as const;

t.test("a request: the target determines its destination, everything else is as received", async (t) => {
	const head = {
		method: "PUT",
		target: "https://example.com:8443/p",
		version: "HTTP/1.0",
		fields: ["A", "1", "a", "2"],
	};
	const request = requestOf(head, { kind: "length", length: 3 }, target, "other.example", 12.5);
	t.match(request, {
		method: "PUT",
		...target,
		authority: "other.example",
		httpVersion: "HTTP/1.0",
		timestampStart: 12.5,
		body: null,
	});
	t.strictSame(request.headers.fields, ["A", "1", "a", "2"]);
	t.equal(requestOf(head, { kind: "none" }, target, "", 0).bodySize, 0, "none to come is an empty one");
});

t.test("a response", async (t) => {
	const head = { version: "HTTP/1.1", status: 404, reason: "Nicht da", fields: ["B", "\xe4"] };
	const response = responseOf(head, { kind: "chunked" }, 3);
	t.match(response, {
		statusCode: 404,
		reason: "Nicht da",
		httpVersion: "HTTP/1.1",
		timestampStart: 3,
		timestampEnd: null,
		body: null,
	});
	t.strictSame(response.headers.fields, ["B", "\xe4"]);
	t.equal(responseOf(head, { kind: "length", length: 0 }, 3).bodySize, 0);
});

t.test("a decompression bomb stays encoded; a large body is decoded", async (t) => {
	const fields = ["content-encoding", "gzip"];
	const framing = { kind: "chunked" } as const;
	const request = requestOf(
		{ method: "POST", target: "/", version: "HTTP/1.1", fields },
		framing,
		{ scheme: "http", host: "a", port: 80, path: "/" },
		"",
		1,
	);
	const response = responseOf({ status: 200, reason: "OK", version: "HTTP/1.1", fields }, framing, 1);
	for (const message of [request, response]) {
		message.body = gzipSync(Buffer.alloc(40 * 1024 * 1024));
		t.equal(message.content?.length, 40 * 1024 * 1024);
		message.body = gzipSync(Buffer.alloc(65 * 1024 * 1024));
		t.throws(() => message.content, { code: "FT_BAD_BODY" });
		t.equal(message.decodedOrRaw, message.body);
	}
});
