import t from "tap";
import { bracketing } from "../../../fixtures/redaction.ts";
import { redactJson } from "../../../src/redact/json.ts";

const redacted = (text: string, values = {}) => redactJson(text, bracketing(values).redaction, 0);

t.test("values under names that mean a secret; all else stays to the byte", async (t) => {
	for (const [text, expected] of [
		[
			'{ "access_token" : "abc", "token_type": "bearer", "expires_in": 3600 }',
			'{ "access_token" : "(token)", "token_type": "bearer", "expires_in": 3600 }',
		],
		['{"a":{"apiKey":"k"},"list":[{"password":"p"}]}', '{"a":{"apiKey":"(key)"},"list":[{"password":"(password)"}]}'],
		['{"passwords":["a","b"]}', '{"passwords":["(password)","(password)"]}'],
		['{"name":"password","value":"hunter"}', '{"name":"password","value":"(password)"}'],
		['{"name":"color","value":"red"}', '{"name":"color","value":"red"}'],
		['{"token":null,"secret":true,"password":""}', '{"token":null,"secret":true,"password":""}'],
		['{"pin":4711}', '{"pin":1000}'],
		['{"code":"abc","state":"x"}', '{"code":"(code)","state":"x"}'],
		['{"code":"abc"}', '{"code":"abc"}'],
		['{"url":"a\\/b","client_secret":"x\\/y"}', '{"url":"a\\/b","client_secret":"(secret)"}'],
		['{"constructor":"x","__proto__":"y","toString":"z"}', '{"constructor":"x","__proto__":"y","toString":"z"}'],
	] as const)
		t.equal(redacted(text), expected, text);
});

t.test("JSON, queries, URLs and base64 inside of strings", async (t) => {
	const inner = JSON.stringify({ password: "pw" });
	t.equal(redacted(JSON.stringify({ body: inner })), JSON.stringify({ body: '{"password":"(password)"}' }));
	t.equal(
		redacted(JSON.stringify({ body: Buffer.from(inner).toString("base64") })),
		JSON.stringify({ body: Buffer.from('{"password":"(password)"}').toString("base64") }),
	);
	t.equal(redacted('{"next":"https://a.test/?token=abc"}'), '{"next":"https://a.test/?token=(token)"}');
	t.equal(redacted('{"form":"user=ann&password=abc"}'), '{"form":"user=ann&password=(password)"}');
	const github = `ghp_${"aB3dE6gH9jK2mN5pQ8sT".repeat(2).slice(0, 36)}`;
	t.equal(
		redacted(`{"next":"https://a.test/x/${github}/?token=abc"}`),
		'{"next":"https://a.test/x/(token)/?token=(token)"}',
		"a format beside a name",
	);
});

t.test("own paths, of any type", async (t) => {
	t.equal(
		redacted('{"user":{"email":"a@b.test","id":5}}', { redact_json: ["/user/email"] }),
		'{"user":{"email":"(json)","id":5}}',
	);
	t.equal(
		redacted('{"a":[{"ssn":123456},{"ssn":"x"}]}', { redact_json: ["$..ssn"] }),
		'{"a":[{"ssn":100000},{"ssn":"(json)"}]}',
	);
});

t.test("values beyond ASCII, escaped or not, are the same secret", async (t) => {
	const { redaction, found } = bracketing();
	redactJson(Buffer.from('{"password":"é1","pwd":"\\u00e91"}').latin1Slice(), redaction, 0);
	t.equal(found.length, 2);
	t.equal(found[0]?.value, found[1]?.value);
});

t.test("no JSON: null", async (t) => {
	for (const text of ["", "{", '{"password":"a"', "password=a"]) t.equal(redacted(text), null, text);
});
