import t from "tap";
import { bracketing } from "../../../fixtures/redaction.ts";
import { redactContent } from "../../../src/redact/content.ts";

const redacted = (text: string, type: string | null, values = {}) =>
	redactContent(text, type, bracketing(values).redaction);

t.test("by media type, or by what the content is", async (t) => {
	const json = '{"password":"abc"}';
	const done = '{"password":"(password)"}';
	for (const type of ["application/json", "application/problem+json; charset=utf-8", null, "text/plain"])
		t.equal(redacted(json, type), done, String(type));
	for (const type of ["application/x-www-form-urlencoded", null])
		t.equal(redacted("a=b&password=abc", type), "a=b&password=(password)", String(type));
	t.equal(redacted(`${json}\n${json}\n`, "application/x-ndjson"), `${done}\n${done}\n`);
	t.equal(redacted(`event: x\ndata: ${json}\n\n`, "text/event-stream"), `event: x\ndata: ${done}\n\n`);
	t.equal(redacted(`\u001e${json}\n`, "application/json-seq"), `\u001e${done}\n`);
	t.equal(redacted('<input name="token" value="abc">', "text/html"), '<input name="token" value="(token)">');
	t.equal(redacted(json, "image/png").length, done.length, "a wrong type");
	t.equal(redacted("\0password=abc", "application/octet-stream"), "\0password=abc");
});

t.test("multipart: each part by its name and type", async (t) => {
	const part = (name: string, content: string, head = "") =>
		`--b\r\nContent-Disposition: form-data; name="${name}"\r\n${head}\r\n${content}\r\n`;
	const base64 = (text: string) => Buffer.from(text).toString("base64");
	const body = (password: string, json: string, coded: string) =>
		`${part("user", "ann")}${part("password", password)}${part("data", json, "Content-Type: application/json\r\n")}${part("f", base64(coded), "Content-Type: application/json\r\nContent-Transfer-Encoding: base64\r\n")}--b--\r\n`;
	t.equal(
		redacted(body("a\r\nb", '{"token":"x1"}', '{"secret":"y1"}'), "multipart/form-data; boundary=b"),
		body("(password)", '{"token":"(token)"}', '{"secret":"(secret)"}'),
	);
	const empty = "no parts here";
	t.equal(redacted(empty, "multipart/form-data; boundary=b"), empty);
});

t.test("own patterns: the group alone, or the whole match", async (t) => {
	t.equal(
		redacted("order=A17 order=B2", "text/plain", { redact_body: ["order=(\\w+)"] }),
		"order=(secret) order=(secret)",
	);
	t.equal(redacted("id A17!", "text/plain", { redact_body: ["[A-Z]\\d+"] }), "id (secret)!");
});
