import { crc32 } from "node:zlib";
import t from "tap";
import { RandomTokens } from "../../../fixtures/random-tokens.ts";
import { isIssuerShaped, issuerShaped } from "../../../src/redact/issuer-shape.ts";
import { findInText } from "../../../src/redact/text.ts";

const random = new RandomTokens(77);
const [hex, alnum, url, upper] = (["hex", "alphanumeric", "url", "upperAlphanumeric"] as const).map(
	(alphabet) => (length: number) => random.text(alphabet, length),
) as [(n: number) => string, (n: number) => string, (n: number) => string, (n: number) => string];
const MAC = "0123456789abcdef0123456789abcdef";
const OTHER = "fedcba9876543210fedcba9876543210";

const tokens: Readonly<Record<string, [prefix: string, token: string]>> = {
	github: ["ghp_", `${"ghp"}_${alnum(36)}`],
	gitlab: ["glpat-", `glpat-${url(20)}`],
	npm: ["npm_", `${"npm"}_${alnum(36)}`],
	"aws-key-id": ["AKIA", `AKIA${random.text("base32", 16)}`],
	stripe: ["sk_live_", `sk_${"live"}_${alnum(24)}`],
	sendgrid: ["SG.", `SG.${url(22)}.${url(43)}`],
	twilio: ["SK", `SK${hex(32)}`],
	dynatrace: ["dt0c01.", `dt0c01.${upper(24)}.${upper(64)}`],
	huggingface: ["hf_", `hf_${random.text("letters", 34)}`],
	anthropic: ["sk-ant-api03-", `sk-ant-api03-${url(93)}AA`],
	hubspot: ["pat-na1-", `pat-na1-${random.uuid()}`],
	mailchimp: ["", `${hex(32)}-us14`],
	databricks: ["dapi", `dapi${hex(32)}-3`],
	"azure-storage": ["", `${random.text("base64", 76)}+ASt${random.text("base64", 5)}A==`],
};

t.test("prefix, length and alphabet stay, and the issuer's rule finds it", async (t) => {
	for (const [rule, [prefix, token]] of Object.entries(tokens)) {
		const shaped = issuerShaped(token, MAC) ?? "";
		t.equal(shaped.length, token.length, rule);
		t.ok(shaped.startsWith(prefix), shaped);
		t.not(shaped, token);
		t.match(findInText(Buffer.from(shaped)), [{ rule, from: 0, to: token.length }], shaped);
		t.ok(isIssuerShaped(shaped), `${shaped} is known for a placeholder`);
		t.notOk(isIssuerShaped(token), "the token is not");
		t.not(issuerShaped(token, OTHER), shaped, "it depends on the secret");
	}
});

t.test("nothing random of the token is left", async (t) => {
	for (const [rule, [prefix, token]] of Object.entries(tokens)) {
		const shaped = issuerShaped(token, MAC) ?? "";
		for (let at = prefix.length; at + 6 <= token.length; at++) {
			const part = token.slice(at, at + 6);
			if (!/-us14|\+ASt|[A-Z]==/.test(part)) t.notMatch(shaped.slice(prefix.length), part, `${rule}: ${part}`);
		}
	}
});

/** The check sum of GitHub and npm: CRC-32 in base 62, six digits. */
function base62(sum: number): string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	let [text, rest] = ["", sum];
	for (let i = 0; i < 6; i++, rest = Math.floor(rest / 62)) text = (digits[rest % 62] as string) + text;
	return text;
}

t.test("check sums are wrong", async (t) => {
	for (const [prefix, length] of [
		["ghp", 30],
		["npm", 30],
	] as const) {
		const body = alnum(length);
		const token = `${prefix}_${body}${base62(crc32(body))}`;
		const shaped = issuerShaped(token, MAC) ?? "";
		t.not(shaped.slice(-6), base62(crc32(shaped.slice(4, -6))));
		t.ok(shaped.slice(-6) > base62(0xffffffff), "no CRC-32 has this value");
	}
});

t.test("what has no form of an issuer is left to other placeholders", async (t) => {
	for (const text of ["hunter2", alnum(40), random.uuid(), `AGE-SECRET-KEY-1${random.text("bech32", 58)}`, "", "ghp_x"])
		t.equal(issuerShaped(text, MAC), null, text);
	t.notOk(isIssuerShaped("ftr_token_abqu4netmbqv_0000"));
});
