// Secrets after names in free text, and values that are no secrets.
import fc from "fast-check";
import t from "tap";
import { large } from "../../../fixtures/large.ts";
import { RandomTokens } from "../../../fixtures/random-tokens.ts";
import { LIMIT_RULE, SPAN_LIMIT, type Span } from "../../../src/redact/span.ts";
import { findInText } from "../../../src/redact/text.ts";

const random = new RandomTokens(4);
const SECRET = random.text("alphanumeric", 32);

function found(text: string, free = true): string[] {
	const bytes = Buffer.from(text);
	return findInText(bytes, { free }).map(({ from, to, kind }) => `${kind} ${bytes.toString("utf8", from, to)}`);
}

t.test("name and value in free text, as languages write them", (t) => {
	for (const text of [
		`api_token=${SECRET}`,
		`API_TOKEN = ${SECRET}\n`,
		`export API_TOKEN="${SECRET}"`,
		`const apiToken = '${SECRET}';`,
		`token:"${SECRET}",`,
		`{"token": "${SECRET}"}`,
		`{\\"token\\": \\"${SECRET}\\"}`,
		`{"env":"TOKEN=${SECRET}\\nDEBUG=1"}`,
		`token: ${SECRET}\n`,
		`token: >\n  ${SECRET}\n`,
		`token := \`${SECRET}\``,
		`var apiToken string = "${SECRET}"`,
		`token => '${SECRET}'`,
		`token ||= '${SECRET}'`,
		`TOKEN ?= ${SECRET}\n`,
		`TOKEN :::= "${SECRET}"`,
		`token ??= "${SECRET}"`,
		`token .= "${SECRET}"`,
		`<apiToken>${SECRET}</apiToken>`,
		`<apiToken>\n  ${SECRET}\n</apiToken>`,
		`<add key="token" value="${SECRET}" />`,
		`{"name": "token",\n "value": "${SECRET}"}`,
		`<meta name="api-token" content="${SECRET}">`,
		`localStorage.setItem("token", "${SECRET}")`,
		`?a=1&access_token=${SECRET}&b=2`,
		`data-token="${SECRET}"`,
		`data-token=&quot;${SECRET}&quot;`,
		`config["token"] = "${SECRET}"`,
	])
		t.same(found(text), [`token ${SECRET}`], text);
	t.same(found(`<input name="csrf_token" type="hidden">`), []);
	t.same(found(`API key: ${SECRET}`), [`key ${SECRET}`]);
	t.same(found(`The secret key is: "${SECRET}"`), []);
	t.end();
});

t.test("without free, only formats", (t) => {
	t.same(found(`token="${SECRET}"`, false), []);
	t.same(found(`{"a":"Bearer ${SECRET}"}`, false), [`bearer ${SECRET}`]);
	t.end();
});

t.test("what stands behind a secret's name and is none", (t) => {
	for (const text of [
		'token = "short1"',
		'token = "aLongValueWithoutAnyDigits"',
		'token = "1111111122222222"',
		'token = "aaaaaaaaaaaaaaaa1"',
		'session = "AnalyzerEC2PutResourcePolicy"',
		'"signature": "convert_parameters_to_object_95075"',
		"token = $" + "{SECRET_1234567890_ABCDEFG}",
		"token = {{ secrets.TOKEN_1234567890 }}",
		'token = "%s1234567890abcdefgh"',
		"password: <your password 1234567890>",
		`page_token = "${SECRET}"`,
		`key = "${SECRET}"`,
		`tokenizer = "${SECRET}"`,
		`max_tokens: ${SECRET}`,
		`publicKey: "${SECRET}"`,
		`token = getToken("${SECRET}")`,
		`const token = session.tokenV2.accessTokenV2FromServer;`,
		`token "${SECRET}"`,
	])
		t.same(found(text), [], text);
	t.end();
});

t.test("behind the name of a vendor, values may be short or digits only", (t) => {
	t.same(found('discord_client_secret = "8dyfuiRyq"'), ["secret 8dyfuiRyq"]);
	t.same(found('asanaToken = "1204567890123456"'), ["token 1204567890123456"]);
	t.same(found("asana_token: 1204567890123456\n"), ["token 1204567890123456"]);
	t.same(found('hubspotKey = "1204-5678-90123456"'), ["key 1204-5678-90123456"]);
	t.same(found('LOB_API_KEY="test0a1b"'), ["key test0a1b"]);
	t.same(found('globalToken = "12045678"'), []);
	t.same(found('asanaToken = "abcdefgh"'), []);
	t.end();
});

t.test("a known format counts more than the name before it", (t) => {
	const token = `glpat-${random.text("url", 20)}`;
	const spans = findInText(Buffer.from(`token = "${token}"`), { free: true });
	t.same(
		spans.map(({ rule, confidence }) => [rule, confidence]),
		[["gitlab", "high"]],
	);
	t.end();
});

t.test("a token and a password in one URL", (t) => {
	const token = `glpat-${random.text("url", 20)}`;
	t.same(found(`https://${token}:hunter2@git.example/x`), [`token ${token}`, "password hunter2"]);
	t.same(found(`https://oauth2:${token}@git.example/x`), [`token ${token}`]);
	t.same(found(`Authorization: Bearer ${token}`), [`token ${token}`]);
	t.end();
});

t.test("a long value is taken as a whole", (t) => {
	for (const length of [300, 600, 5000]) {
		const secret = random.text("alphanumeric", length);
		t.same(found(`x = 1; refreshToken = "${secret}";`), [`token ${secret}`]);
	}
	t.end();
});

t.test("what is no secret anywhere", (t) => {
	const values = {
		id: random.uuid(),
		sha256: random.text("hex", 64),
		integrity: `sha512-${random.text("base64", 86)}==`,
		etag: `W/"${random.text("hex", 32)}"`,
		trace: `00-${random.text("hex", 32)}-${random.text("hex", 16)}-01`,
		image: `data:image/png;base64,${random.text("base64", 20_000)}`,
		date: "2024-01-01T00:00:00.000Z",
		url: "https://example.org:8080/a/b?x=1#y",
		at: "https://example.org/@scope/package@1.2.3",
	};
	for (const free of [false, true]) t.same(found(JSON.stringify(values), free), []);
	const script = `!function(e,t){var n=e.key,r=t.token;this.password=n.password,a.secret=function(){return e.tokens[0]}}`;
	t.same(found(script), []);
	t.end();
});

t.test("spans are sorted, apart, and in the bytes, whatever the bytes are", (t) => {
	const parts = [
		"token",
		"=",
		'"',
		SECRET,
		"\n",
		"eyJ",
		".",
		"://",
		":",
		"@",
		"-----BEGIN PRIVATE KEY-----",
		"Bearer ",
		"é",
		"\\",
	];
	fc.assert(
		fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 40 }), fc.boolean(), (list, strict) => {
			const bytes = Buffer.from(list.join(""));
			let last = 0;
			for (const { from, to } of findInText(bytes, { free: true, strict })) {
				t.ok(from >= last && to > from && to <= bytes.length, list.join(""));
				last = to;
			}
		}),
		{ seed: 5, numRuns: 500 },
	);
	t.end();
});

t.test("the same wherever it stands in a longer text", (t) => {
	const token = `glpat-${random.text("url", 20)}`;
	for (const shift of [0, 1, 199, 200, 201, 499, 500, 699, 700, 65_535, 65_536])
		t.same(
			found(`${" ".repeat(shift)}${token} token="${SECRET}" `),
			[`token ${token}`, `token ${SECRET}`],
			String(shift),
		);
	t.end();
});

t.test("beyond the limit, one span stands for all that follows", large, (t) => {
	const token = `AKIA${random.text("base32", 16)} `;
	const count = SPAN_LIMIT + 1000;
	const check = (spans: Span[], size: number) => {
		t.equal(spans.length, SPAN_LIMIT);
		const last = spans.at(-1);
		t.same([last?.rule, last?.from, last?.to], [LIMIT_RULE, spans.at(-2)?.to, size]);
	};
	const tokens = Buffer.from(token.repeat(count));
	check(findInText(tokens), tokens.length);
	const opaque = Buffer.from(`${random.text("alphanumeric", 20)} `.repeat(count));
	check(findInText(opaque, { strict: true }), opaque.length);
	const both = Buffer.concat([tokens, opaque]);
	check(findInText(both, { strict: true }), both.length);
	t.end();
});
