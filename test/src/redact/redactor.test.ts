// What a tape keeps of secrets: nothing, in any notation; and that all else stays true.
import { createHash } from "node:crypto";
import { brotliCompressSync, gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import t from "tap";
import { httpFlow, tcpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { large } from "../../../fixtures/large.ts";
import { RandomTokens } from "../../../fixtures/random-tokens.ts";
import { redactorOf } from "../../../fixtures/redaction.ts";
import type { Flow, HttpFlow } from "../../../src/flow/flow.ts";
import { notationsOf } from "../../../src/redact/notations.ts";

const random = new RandomTokens(15);
const alphanumeric = (length: number) => random.text("alphanumeric", length);
const PASSWORD = `pass/${alphanumeric(6)}+&"x`;
const TOKEN = alphanumeric(40);
const SESSION = alphanumeric(32);
const json = [["Content-Type", "application/json"]] as const;

/** Everything that a flow holds, decoded, as text. */
function textOf(flow: Flow): string {
	if (flow.type !== "http") return JSON.stringify(flow.type === "dns" ? [] : flow.messages.map(String));
	const { request, response, websocket } = flow;
	const parts = [request, response].flatMap((message) =>
		message === null
			? []
			: [message.headers.block(), message.trailers?.block() ?? "", message.decodedOrRaw?.latin1Slice() ?? ""],
	);
	const messages = websocket?.messages.map(({ content }) => content.latin1Slice()) ?? [];
	return [
		request.path,
		...parts,
		...messages,
		flow.comment,
		flow.error?.message ?? "",
		JSON.stringify(flow.metadata),
	].join("\n");
}

function redactAll<F extends Flow>(flows: F[], redactor = redactorOf()): F[] {
	for (const flow of flows) redactor.learn(flow);
	for (const flow of flows) redactor.redact(flow);
	return flows;
}

const login = () =>
	httpFlow({
		request: {
			method: "POST",
			path: "/login",
			headers: [["Content-Type", "application/x-www-form-urlencoded"]],
			body: new URLSearchParams({ user: "ann", password: PASSWORD }).toString(),
		},
		response: {
			headers: [
				...json,
				["Set-Cookie", `sid=${SESSION}; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT`],
				["Set-Cookie", "theme=dark"],
			],
			body: JSON.stringify({ access_token: TOKEN, token_type: "bearer" }),
		},
	});

t.test("a session from login to WebSocket has no secret left in any notation", async (t) => {
	const flows = redactAll([
		// a flow that has the token before anything says that it is one
		httpFlow({ response: { body: `${TOKEN} and ${Buffer.from(`x${PASSWORD}`).toString("base64")}` } }),
		login(),
		httpFlow({
			request: {
				path: `/me?next=${encodeURIComponent(`/x?access_token=${TOKEN}`)}`,
				headers: [
					["Authorization", `Bearer ${TOKEN}`],
					["Cookie", `theme=dark; sid=${SESSION}`],
				],
			},
			response: { statusCode: 302, headers: [["Location", `https://other.test/#access_token=${TOKEN}`]] },
		}),
		httpFlow({
			request: {
				method: "POST",
				headers: [["Content-Type", "multipart/form-data; boundary=b"]],
				body: `--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n${PASSWORD}\r\n--b--\r\n`,
			},
			response: {
				headers: [...json, ["Content-Encoding", "gzip"]],
				body: gzipSync(
					JSON.stringify({ echo: JSON.stringify({ deep: PASSWORD }), hex: Buffer.from(TOKEN).toString("hex") }),
				),
			},
		}),
		websocketFlow({ messages: [{ content: Buffer.from(JSON.stringify({ type: "auth", token: TOKEN })) }] }),
	]);
	const all = flows.map(textOf).join("\n");
	for (const secret of [PASSWORD, TOKEN, SESSION])
		for (const { text } of notationsOf(secret)) t.notOk(all.includes(text), text);
	const [early, first, second] = flows as [HttpFlow, HttpFlow, HttpFlow];
	const token = (JSON.parse(String(first.response?.text)) as { access_token: string }).access_token;
	t.match(token, /^ftr_token_[a-z2-7]{12}_0+$/);
	t.equal(token.length, TOKEN.length);
	t.equal(second.request.headers.get("authorization"), `Bearer ${token}`, "the same placeholder everywhere");
	t.match(early.response?.text, token);
	t.match(first.response?.headers.getAll("set-cookie"), [
		/^sid=ftr_session_[a-z2-7]{12}_0+; Path=\/; Expires=Wed, 01 Jan 2031 00:00:00 GMT$/,
		/^theme=dark$/,
	]);
});

t.test("lengths, codings and digests stay true", async (t) => {
	const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("base64");
	const plain = JSON.stringify({ password: "a", rest: "x".repeat(100) });
	for (const [coding, encode] of [
		["gzip", gzipSync],
		["br", brotliCompressSync],
	] as const) {
		const body = encode(plain);
		const [flow] = redactAll([
			httpFlow({
				response: {
					headers: [
						...json,
						["Content-Encoding", coding],
						["Content-Length", String(body.length)],
						["Content-Digest", `sha-256=:${digest(body)}:, unknown=:YQ==:`],
					],
					body,
				},
			}),
		]) as [HttpFlow];
		const { response } = flow;
		t.match(response?.content?.toString(), /"password":"ftr_p[a-z2-7]{12}"/);
		t.equal(response?.headers.get("content-length"), String(response?.bodySize));
		t.equal(
			response?.headers.get("content-digest"),
			`sha-256=:${digest(response?.rawContent ?? Buffer.alloc(0))}:, unknown=:YQ==:`,
		);
		if (coding === "gzip") t.doesNotThrow(() => gunzipSync(response?.rawContent ?? Buffer.alloc(0)));
	}
});

t.test("redacting twice is redacting once", async (t) => {
	const flows = redactAll([login()]);
	const before = flows.map(textOf);
	const counts: string[] = [];
	redactAll(flows, redactorOf({}, { onRedact: (rule) => counts.push(rule) }));
	t.same(flows.map(textOf), before);
	t.same(counts, []);
});

t.test("any secret under a name goes, and equal ones stay equal", large, async () => {
	const secret = fc.string({ unit: "binary", minLength: 8, maxLength: 40 }).map((text) => `k7${text}`);
	await fc.assert(
		fc.asyncProperty(secret, async (value) => {
			const body = { password: value, again: { secret: value }, text: `it is «${value}»` };
			const [flow] = redactAll([httpFlow({ response: { headers: [...json], body: JSON.stringify(body) } })]) as [
				HttpFlow,
			];
			const out = JSON.parse(String(flow.response?.content)) as typeof body;
			return out.password !== value && out.password === out.again.secret && !out.text.includes(value);
		}),
		{ numRuns: 200, seed: 7 },
	);
});

t.test("a body that cannot be decoded is removed and reported, unless it is kept", async (t) => {
	const broken = () => httpFlow({ response: { headers: [["Content-Encoding", "gzip"]], body: "no gzip" } });
	const losses: string[] = [];
	const [flow] = redactAll([broken()], redactorOf({}, { onLoss: (message) => losses.push(message) })) as [HttpFlow];
	t.equal(flow.response?.body, null);
	t.match(losses, [/^the response body was removed, because it cannot be searched: /]);
	const [kept] = redactAll([broken()], redactorOf({ redact_keep: ["undecodable"] })) as [HttpFlow];
	t.equal(kept.response?.text, "no gzip");
});

t.test("variables of the environment, wherever they stand", async (t) => {
	const env = { API_TOKEN: "e1-9f8e7d6c5b", SHORT_TOKEN: "abc", PLAIN: "harmless-value", PIN4: "z9q8" };
	const text = () => httpFlow({ response: { body: "e1-9f8e7d6c5b abc harmless-value z9q8" } });
	const [flow] = redactAll([text()], redactorOf({}, { env })) as [HttpFlow];
	t.match(flow.response?.text, /^ftr_e[a-z2-7]{12} abc harmless-value z9q8$/);
	const [named] = redactAll([text()], redactorOf({}, { env, envNames: ["PIN4", "SHORT_TOKEN"] })) as [HttpFlow];
	t.match(named.response?.text, /^ftr_e\w+ abc harmless-value ftr_e\w+$/);
});

t.test("connections, sessions, notes and what other tools kept", async (t) => {
	const [flow] = redactAll([
		httpFlow({
			session: "ann-worker",
			comment: `token=${TOKEN}`,
			metadata: { proxyauth: ["ann", "pw"], note: { api_key: "x1y2z3" }, list: [JSON.stringify({ password: "p1" })] },
			backup: { state: TOKEN },
			extra: { later: TOKEN },
			request: { extra: { later: TOKEN } },
			clientConn: { extra: { later: TOKEN }, peername: ["203.0.113.7", 4711], certificateList: [Buffer.from("cert")] },
		}),
		tcpFlow({
			messages: [
				{ fromClient: true, content: Buffer.from(`{"password":"${PASSWORD.replaceAll('"', "")}"}`), timestamp: 1 },
			],
		}),
	]) as [HttpFlow];
	t.match(flow.session, /^ftr_s/);
	t.notMatch(textOf(flow), TOKEN);
	t.same(Object.keys(flow.metadata), ["note", "list"]);
	t.equal(flow.backup, null);
	t.equal(flow.extra, undefined);
	t.equal(flow.request.extra, undefined);
	t.equal(flow.clientConn.extra, undefined);
	t.same(flow.clientConn.peername, ["0.0.0.0", 4711]);
	t.same(flow.clientConn.certificateList, []);
	const [local] = redactAll([httpFlow({ clientConn: { peername: ["127.0.0.1", 1] } })]) as [HttpFlow];
	t.same(local.clientConn.peername, ["127.0.0.1", 1]);
});

t.test("a flow without secrets stays as it was read", async (t) => {
	const record = { format: "x", version: 1, data: 1 };
	const flow = httpFlow({ record });
	t.notOk(redactorOf().redact(flow));
	t.equal(flow.record, record);
	const changed = login();
	changed.record = record;
	t.ok(redactorOf().redact(changed));
	t.equal(changed.record, undefined);
});

t.test("learning changes nothing", async (t) => {
	const flow = login();
	const before = textOf(flow);
	redactorOf().learn(flow);
	t.equal(textOf(flow), before);
});

t.test("a body that is too large for memory is redacted in pieces", large, async (t) => {
	const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("base64");
	const lines = `${random.text("base64", 9000)}\n`.repeat(100);
	const text = `${lines}token = "${TOKEN}"\n`;
	const body = gzipSync(text, { level: 1 });
	const [flow] = redactAll([
		httpFlow({
			response: {
				headers: [
					["Content-Type", "text/plain"],
					["Content-Encoding", "gzip"],
					["Content-Length", String(body.length)],
					["Digest", `sha-256=${digest(body)}`],
				],
				body,
				decodedLimit: 500_000,
			},
		}),
	]) as [HttpFlow];
	const { response } = flow;
	const raw = response?.rawContent ?? Buffer.alloc(0);
	const plain = gunzipSync(raw);
	t.equal(plain.length, text.length);
	t.match(plain.toString("latin1", lines.length), /^token = "ftr_token_[a-z2-7]{12}_0+"\n$/);
	t.equal(response?.headers.get("content-length"), String(raw.length));
	t.equal(response?.headers.get("digest"), `sha-256=${digest(raw)}`);
	const losses: string[] = [];
	const bomb = httpFlow({
		response: { headers: [["Content-Encoding", "gzip"]], body: gzipSync(Buffer.alloc(100 * 1024 * 1024)) },
	});
	const [emptied] = redactAll([bomb], redactorOf({}, { onLoss: (message) => losses.push(message) })) as [HttpFlow];
	t.equal(emptied.response?.body, null);
	t.match(losses, [/it inflates to more than 50 times its size$/]);
});
