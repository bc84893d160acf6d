import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import { RandomTokens } from "../../../fixtures/random-tokens.ts";
import { bracketing, rulesOf } from "../../../fixtures/redaction.ts";
import { Headers } from "../../../src/flow/headers.ts";
import { KnownSecrets } from "../../../src/redact/known-secrets.ts";
import { redactNested } from "../../../src/redact/nested.ts";
import { Redaction } from "../../../src/redact/redaction.ts";
import { BodyStream } from "../../../src/redact/stream.ts";

const random = new RandomTokens(21);
const TOKEN = `ghp_${random.text("alphanumeric", 36)}`;
const PLACEHOLDER = `ftr_env_${"a".repeat(12)}_`.padEnd(TOKEN.length, "0");
const PASSWORD = `pw/${random.text("alphanumeric", 20)}`;
const KEY = `-----BEGIN PRIVATE KEY-----\n${`${random.text("base64", 64)}\n`.repeat(90)}-----END PRIVATE KEY-----`;
const words = "some words that are no secrets, line by line\n";

/** A body that passes in pieces of this size, each secret replaced by its kind in brackets. */
function streamed(body: string | Buffer, size: number, headers: readonly (readonly [string, string])[] = []) {
	const { redaction, found } = bracketing();
	const out: Buffer[] = [];
	const stream = new BodyStream(Headers.of(...headers), "response body", redaction, (piece) => out.push(piece));
	const bytes = Buffer.from(body);
	for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
	stream.end();
	return { text: Buffer.concat(out).latin1Slice(), found, isChanged: stream.isChanged };
}

t.test("secrets are found wherever a piece or a window ends", async (t) => {
	for (const length of [0, 1000, 251_800, 251_850, 262_100, 262_144, 262_200, 600_000]) {
		const before = words.repeat(Math.ceil(length / words.length)).slice(0, length);
		const body = `${before} ${TOKEN} then password = "${PASSWORD}" and ${KEY} ${words.repeat(9000)}end`;
		for (const size of [65_536, 300_000]) {
			const { text, found, isChanged } = streamed(body, size);
			t.equal(text, `${before} (token) then password = "(password)" and (key) ${words.repeat(9000)}end`, `${length}`);
			t.same(
				found.map(({ rule, place }) => `${rule} ${place}`),
				["github response body", "named-text response body", "private-key response body"],
			);
			t.ok(isChanged);
		}
	}
});

t.test("a body without secrets stays as it is", async (t) => {
	const { text, isChanged } = streamed(words.repeat(20_000), 10_000);
	t.equal(text, words.repeat(20_000));
	t.notOk(isChanged);
	t.equal(streamed("", 1).text, "");
});

t.test("a coded body is encoded again", async (t) => {
	const body = gzipSync(`${words.repeat(20_000)}${TOKEN}`);
	const { text } = streamed(body, 1000, [["Content-Encoding", "gzip"]]);
	t.equal(String(gunzipSync(Buffer.from(text, "latin1"))), `${words.repeat(20_000)}(token)`);
	t.throws(() => streamed("no gzip", 10, [["Content-Encoding", "gzip"]]), { code: "FT_BAD_BODY" });
	t.throws(() => streamed(Buffer.from("\ufeffabc", "utf16le"), 10), { code: "FT_BAD_BODY" }, "UTF-16");
});

t.test("lines are JSON, also when they arrive in parts", async (t) => {
	const event = (value: string) => `data: ${JSON.stringify({ password: value, n: 1 })}\n\n`;
	const body = event("a1") + event("b2") + event("c3");
	for (const type of ["text/event-stream", "application/x-ndjson"])
		for (const size of [1, 7, 1000])
			t.equal(streamed(body, size, [["Content-Type", type]]).text, event("(password)").repeat(3));
	const long = `${"x".repeat(3_000_000)} ${TOKEN}`;
	const { text } = streamed(`${long}\n${event("d4")}`, 65_536, [["Content-Type", "text/event-stream"]]);
	t.ok(text === `${"x".repeat(3_000_000)} (token)\n${event("(password)")}`, "a line that is too long for memory");
});

t.test("runs without an end pass in bounded parts", async (t) => {
	const run = random.text("base64", 10_000).repeat(300);
	t.ok(streamed(run, 65_536).text === run);
	const token = random.text("alphanumeric", 10_000).repeat(300);
	const { text } = streamed(`${words}api_key=${token} ${words}`, 65_536);
	t.equal(text.slice(0, 200), `${words}api_key=(key) ${words}`, "the rest of a token is dropped");
});

t.test("secrets of other flows are found in every notation, in binary data by as many bytes", async (t) => {
	const known = new KnownSecrets();
	known.add({ value: TOKEN, kind: "env", placeholder: PLACEHOLDER });
	const redaction = new Redaction(rulesOf(), known, redactNested, ({ value }) => value);
	const through = (body: string | Buffer, type: string) => {
		const out: Buffer[] = [];
		const headers = Headers.of(["Content-Type", type]);
		const stream = new BodyStream(headers, "response body", redaction, (piece) => out.push(piece));
		const bytes = Buffer.from(body);
		for (let at = 0; at < bytes.length; at += 5000) stream.write(bytes.subarray(at, at + 5000));
		stream.end();
		return Buffer.concat(out).latin1Slice();
	};
	const base64 = (text: string) => Buffer.from(text).toString("base64");
	for (const length of [0, 250_000, 262_140]) {
		const before = words.repeat(length / 40).slice(0, length);
		const body = `${before} ${base64(`ab${TOKEN}, and more`)} ${Buffer.from(TOKEN).toString("hex")} ${words.repeat(8000)}`;
		const text = through(body, "text/plain");
		t.equal(text.length, body.length);
		t.notOk(text.includes(Buffer.from(TOKEN).toString("hex")));
		t.match(String(Buffer.from(text.slice(length + 1, length + 75), "base64")), `ab${PLACEHOLDER}, and more`);
		const binary = through(`\0\x01${body}`, "application/octet-stream");
		t.equal(binary.length, body.length + 2);
		t.notOk(binary.includes(base64(`ab${TOKEN}`).slice(4, 40)));
	}
});
