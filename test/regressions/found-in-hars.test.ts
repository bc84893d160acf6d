// Secrets that a search of other people's recordings of browsers showed: each was left by the rules before.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { rewrite } from "../../api/rewrite.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { RandomTokens } from "../../fixtures/random-tokens.ts";
import { redactorOf } from "../../fixtures/redaction.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";

const random = new RandomTokens(31);
const SECRET = random.text("alphanumeric", 26);

function leftOf(flow: HttpFlow): string {
	redactorOf().redact(flow);
	const { request, response } = flow;
	const texts = [request.path, ...request.headers.fields, request.text, response?.text].join("\n");
	const all = `${texts}\n${response?.headers.fields.join("\n")}`;
	const coded = Array.from(all.matchAll(/[\w+/-]{24,}/g), ([run]) => Buffer.from(run, "base64").latin1Slice());
	return [all, ...coded].join("\n");
}

const posted = (contentType: string, body: string) =>
	httpFlow({ request: { method: "POST", headers: [["Content-Type", contentType]], body } });
const form = (body: string) => posted("application/x-www-form-urlencoded", body);
const json = (value: unknown) => posted("application/json", JSON.stringify(value));

t.test("what goes", async (t) => {
	const flows: Record<string, HttpFlow> = {
		"a session in the path": httpFlow({ request: { path: `/app/login;jsessionid=${SECRET}?next=home` } }),
		"a link of a mail": httpFlow({ request: { path: `/account/confirm/${SECRET}` } }),
		"a CAS ticket": httpFlow({ request: { path: `/cas/validate?service=x&ticket=ST-1234-${SECRET}` } }),
		"the ticket in a redirect": httpFlow({
			response: { statusCode: 302, headers: [["Location", `https://app.example/?ticket=ST-1234-${SECRET}`]] },
		}),
		"a header with csrf in the middle": httpFlow({ request: { headers: [["anti-csrftoken-a2z", SECRET]] } }),
		"a Jenkins crumb": httpFlow({ request: { headers: [["Jenkins-Crumb", SECRET]] } }),
		"a WordPress nonce": httpFlow({ request: { headers: [["X-WP-Nonce", SECRET]], path: `/?_wpnonce=${SECRET}` } }),
		"Facebook's tokens": form(`fb_dtsg=${SECRET}&lsd=${SECRET}&q=1`),
		"Microsoft's login": form(`login=ann&PPFT=${SECRET}&flowToken=${SECRET}`),
		"a Magento form key": form(`form_key=${SECRET}&product=1`),
		...Object.fromEntries(
			[
				")]}'\n#",
				"while(1);#",
				"for (;;);#",
				"callback(#);",
				"/**/ jQuery1.x_2(#)",
				'42["auth",#]',
				'42/admin,7["auth",#]',
			].map((text) => [
				`JSON in ${text}`,
				httpFlow({
					response: {
						headers: [["Content-Type", "text/javascript"]],
						body: text.replace("#", `{"password":"${SECRET.slice(0, 8)}","pin":"1234567"}`),
					},
				}),
			]),
		),
		"data of a page": httpFlow({
			response: {
				headers: [["Content-Type", "text/html"]],
				body: `<script id="__NEXT_DATA__" type="application/json">{"props":{"session":"${SECRET.slice(0, 8)}"}}</script>`,
			},
		}),
		"a minified page": httpFlow({
			response: {
				headers: [["Content-Type", "text/html"]],
				body: `<form><input name=csrf_token type=hidden value=${SECRET}><input name=q value=shoes></form>`,
			},
		}),
		"an OpenAM login": form(`IDToken1=ann&IDToken2=${SECRET}`),
		"a token in the referrer": httpFlow({
			request: { headers: [["Referer", `http://a.example/index.jsp?token=${SECRET}`]] },
		}),
		captchas: form(`g-recaptcha-response=${SECRET}&cf-turnstile-response=${SECRET}`),
		"WS-Federation": form(`wa=signin&wresult=${SECRET}`),
		"an Okta state": json({ stateHandle: SECRET, interactionHandle: SECRET }),
		"a Firebase code": json({ oobCode: SECRET, newEmail: "x" }),
		Cognito: json({ ChallengeResponses: { PASSWORD_CLAIM_SECRET_BLOCK: SECRET } }),
		"the cookies of a browser": json({ cookies: [{ name: "cart", value: SECRET, domain: "a.example" }] }),
		"cookies in a report": json({ request: { headers: { Cookie: `cart=${SECRET}; theme=dark` } } }),
		"a value before its name": json({ headers: [{ value: SECRET, name: "X-Api-Key" }] }),
		"a WebSocket of AppSync": httpFlow({
			request: {
				headers: [
					[
						"Sec-WebSocket-Protocol",
						`graphql-ws, header-${Buffer.from(JSON.stringify({ "x-api-key": SECRET })).toString("base64url")}`,
					],
				],
			},
		}),
		Negotiate: httpFlow({ response: { headers: [["WWW-Authenticate", `Negotiate ${SECRET}`]] } }),
	};
	for (const [what, flow] of Object.entries(flows)) t.notMatch(leftOf(flow), SECRET.slice(0, 8), what);
});

t.test("a token in a cookie and in a header is the same one, though only the cookie is percent-encoded", async (t) => {
	const token = `${random.text("alphanumeric", 40)}+/x==`;
	const flow = httpFlow({
		request: {
			headers: [
				["Cookie", `theme=dark; _csrf_token=${encodeURIComponent(token)}`],
				["X-CSRF-Token", token],
			],
		},
	});
	t.notMatch(leftOf(flow), token.slice(0, 20));
	const [cookie, header] = ["cookie", "x-csrf-token"].map((name) => flow.request.headers.get(name));
	t.match(header, /^ftr_/);
	t.equal(cookie, `theme=dark; _csrf_token=${header}`);
});

t.test("fields of a HAR that no flow has", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "a.har"), join(folder, "b.har")];
	const url = "https://a.example/?page=1";
	const secretUrl = `https://a.example/start?token=${SECRET.slice(0, 8)}`;
	const request = { method: "GET", url, httpVersion: "HTTP/1.1", headers: [], queryString: [], cookies: [] };
	const response = {
		status: 200,
		statusText: "OK",
		httpVersion: "HTTP/1.1",
		headers: [],
		cookies: [],
		content: { size: 0, mimeType: "" },
	};
	const entry = {
		pageref: "page_1",
		startedDateTime: "2026-01-02T03:04:05.000Z",
		time: 1,
		request,
		response,
		timings: {},
		_initiator: { type: "script", stack: { callFrames: [{ url: secretUrl }] } },
		_auth: { password: SECRET.slice(0, 8) },
	};
	const pages = [{ id: "page_1", title: secretUrl, startedDateTime: entry.startedDateTime, pageTimings: {} }];
	writeFileSync(
		from,
		JSON.stringify({
			log: { version: "1.2", creator: { name: "x", version: "1" }, pages, entries: [entry], _session: SECRET },
		}),
	);
	const { written } = await rewrite(from, { redact: true, env: { FLOWTAPE_REDACT_KEY: "team" } }, to, {
		strict: false,
	});
	t.equal(written, 1);
	const text = readFileSync(to, "utf8");
	t.notMatch(text, SECRET.slice(0, 8));
	t.match(text, "callFrames");
});

t.test("what stays", async (t) => {
	const flows: Record<string, [HttpFlow, string]> = {
		"parameters of a path": [
			httpFlow({ request: { path: "/map;zoom=12;layer=streets/tiles" } }),
			"/map;zoom=12;layer=streets/tiles",
		],
		"the name of a parameter": [
			httpFlow({
				response: {
					headers: [["Content-Type", "text/html"]],
					body: '<meta name="csrf-param" content="authenticity_token_01">',
				},
			}),
			"authenticity_token_01",
		],
		"a path through a site": [json({ breadCrumb: "Home-Shoes-2026-Sale" }), "Home-Shoes-2026-Sale"],
		"settings in cookies": [json({ cookies: [{ name: "theme", value: "dark" }] }), '"dark"'],
		"names and values": [
			json([
				{ value: "Some-Value-12345", name: "title" },
				{ value: "1", name: "q" },
			]),
			"Some-Value-12345",
		],
		"a file behind a word": [httpFlow({ request: { path: "/confirm/index.html" } }), "/confirm/index.html"],
		"a challenge": [httpFlow({ response: { headers: [["WWW-Authenticate", 'Basic realm="x"']] } }), 'Basic realm="x"'],
	};
	for (const [what, [flow, text]] of Object.entries(flows)) t.ok(leftOf(flow).includes(text), what);
});
