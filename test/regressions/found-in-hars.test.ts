// Secrets that a search of other people's recordings of browsers showed: each was left by the rules before.
import t from "tap";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { RandomTokens } from "../../fixtures/random-tokens.ts";
import { redactorOf } from "../../fixtures/redaction.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";

const random = new RandomTokens(31);
const SECRET = random.text("alphanumeric", 26);

function leftOf(flow: HttpFlow): string {
	redactorOf().redact(flow);
	const { request, response } = flow;
	return [
		request.path,
		...request.headers.fields,
		request.text,
		...(response?.headers.fields ?? []),
		response?.text,
	].join("\n");
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
		captchas: form(`g-recaptcha-response=${SECRET}&cf-turnstile-response=${SECRET}`),
		"WS-Federation": form(`wa=signin&wresult=${SECRET}`),
		"an Okta state": json({ stateHandle: SECRET, interactionHandle: SECRET }),
		"a Firebase code": json({ oobCode: SECRET, newEmail: "x" }),
		Cognito: json({ ChallengeResponses: { PASSWORD_CLAIM_SECRET_BLOCK: SECRET } }),
		"the cookies of a browser": json({ cookies: [{ name: "cart", value: SECRET, domain: "a.example" }] }),
		"cookies in a report": json({ request: { headers: { Cookie: `cart=${SECRET}; theme=dark` } } }),
		"a value before its name": json({ headers: [{ value: SECRET, name: "X-Api-Key" }] }),
		Negotiate: httpFlow({ response: { headers: [["WWW-Authenticate", `Negotiate ${SECRET}`]] } }),
	};
	for (const [what, flow] of Object.entries(flows)) t.notMatch(leftOf(flow), SECRET, what);
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
