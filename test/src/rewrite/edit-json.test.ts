// Sets and deletes values of JSON texts; the rest of the text stays as it is.
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import { httpResponse } from "../../../fixtures/build-flow.ts";
import { editJsonBody, parseJsonRules } from "../../../src/rewrite/edit-json.ts";

const rules = parseJsonRules(["/user/name=Ann", "/n=2"], ["/user/email"]);
const body = '{"user":{"name":"Bob","email":"b@x"},"n":1}';
const edited = '{"user":{"name":"Ann"},"n":2}';
const response = (type: string | null, content: string | Buffer | null, more: [string, string][] = []) =>
	httpResponse({
		headers: [...(type === null ? [] : [["Content-Type", type] as [string, string]]), ...more],
		body: content,
	});

t.test(
	"bodies with media types of JSON and those that clients use for it; length and coding stay correct",
	async (t) => {
		for (const type of ["application/json", "application/problem+json; charset=utf-8", "text/plain", null]) {
			const message = response(type, body, [["Content-Length", String(body.length)]]);
			t.same(editJsonBody(message, rules), ["json-set /user/name=Ann", "json-set /n=2", "json-delete /user/email"]);
			t.equal(message.text, edited);
			t.equal(message.headers.get("content-length"), String(edited.length));
			t.same(editJsonBody(message, rules), [], "once is enough");
		}
		const coded = response("application/json", gzipSync(body), [["Content-Encoding", "gzip"]]);
		editJsonBody(coded, rules);
		t.equal(gunzipSync(coded.rawContent ?? "").toString(), edited);
		t.equal(coded.headers.get("content-length"), String(coded.bodySize));
		const marked = response("application/json", `\ufeff${body}`);
		editJsonBody(marked, rules);
		t.equal(marked.rawContent?.toString(), `\ufeff${edited}`);
	},
);

t.test("other bodies are not read", async (t) => {
	const unread = {
		size: 5,
		read(): Buffer {
			throw new Error("read");
		},
		chunks: () => [],
	};
	for (const type of ["image/png", "text/html", "application/octet-stream"]) {
		const message = response(type, "");
		message.body = unread;
		t.same(editJsonBody(message, rules), []);
	}
	for (const content of ["", null]) t.same(editJsonBody(response("application/json", content), rules), []);
	for (const content of ["hello", "<a>", '{"user":', body + body])
		for (const type of ["text/plain", null]) t.same(editJsonBody(response(type, content), rules), []);
});

t.test("a body with a JSON type that is not JSON, or too deep or large, is an error", async (t) => {
	const deep = `${'{"a":'.repeat(300)}${body}${"}".repeat(300)}`;
	const large = `[${"1,".repeat(250_000)}${body}]`;
	const lines = `${body}\n${body}\n`;
	for (const content of [
		"hello",
		"<a>",
		'{"user":',
		`)]}'\n${body}`,
		Buffer.from(body, "utf16le"),
		deep,
		large,
		lines,
	]) {
		const message = response("application/json", content);
		t.throws(() => editJsonBody(message, parseJsonRules([], ["$..email"])), { code: "FT_BAD_BODY" });
		t.ok(message.rawContent?.equals(Buffer.from(content)), "it is unchanged");
	}
	t.same(editJsonBody(response("application/json", '{"other":'), parseJsonRules([], ["/user/email"])), []);
});

t.test("a body that cannot be decoded is an error", async (t) => {
	t.throws(() => editJsonBody(response("application/json", Buffer.from('{"n":"\xff"}', "latin1")), rules), {
		code: "FT_BAD_BODY",
	});
	t.throws(() => editJsonBody(response("application/json", "x", [["Content-Encoding", "gzip"]]), rules), {
		code: "FT_BAD_BODY",
	});
});
