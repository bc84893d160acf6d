// Forms in which the captures of other people's sites have secrets, with invented values; and what looks like them.
import t from "tap";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { RandomTokens } from "../../fixtures/random-tokens.ts";
import { redactorOf } from "../../fixtures/redaction.ts";

const random = new RandomTokens(77);
const token = (length = 28) => random.text("alphanumeric", length);

/** The text of a flow after redaction. */
function redacted(parts: Parameters<typeof httpFlow>[0]): string {
	const redactor = redactorOf();
	const flow = httpFlow(parts);
	redactor.learn(flow);
	redactor.step(flow);
	const { request, response } = flow;
	const texts = [request, response].map((one) => `${one?.headers.fields.join("\n")}\n${one?.rawContent ?? ""}`);
	return decodeURIComponent([request.path, ...texts].join("\n"));
}

const TYPE = { json: "application/json", xml: "text/xml", html: "text/html" } as const;
const body = (type: keyof typeof TYPE, text: string) => ({
	response: { headers: [["Content-Type", TYPE[type]] as const], body: text },
});
const json = (value: unknown) => body("json", JSON.stringify(value));
const header = (name: string, value: string) => ({ request: { headers: [[name, value] as const] } });
const path = (text: string) => ({ request: { path: text } });

const headers =
	"Authentication Auth X-Bearer X-Ticket ticket X-Sid X-Sign sign X-Cookie X-Anti-Forgery X-Honeycomb-Team " +
	"X-Firebase-AppCheck X-Amzn-Oidc-Data X-JFrog-Art-Api x-ig-www-claim";
const params =
	"auth key sign ticket sso_ticket oauth_verifier verifyCode vercode hdnts share_key bearer id_token_hint " +
	"accesscode access_code viewkey rlkey resourcekey tkn sess skey pass_ticket magic_link inviteCode streamKey " +
	"privKey psk seed_phrase wp-pass mot_de_passe passwort kennwort senha contrasena";

/** Flows by what they show: each gets the secret. */
const forms: Readonly<Record<string, (secret: string) => Parameters<typeof httpFlow>[0]>> = {
	...Object.fromEntries(headers.split(" ").map((name) => [name, (secret: string) => header(name, secret)])),
	...Object.fromEntries(
		params.split(" ").map((name) => [`?${name}`, (secret: string) => path(`/p?${name}=${secret}`)]),
	),
	"a session in a path": (secret) => path(`/sessions/${secret}/items`),
	"a link by mail": (secret) => path(`/magic-link/${secret}`),
	"a key in a path": (secret) => path(`/api-key/${secret}`),
	"a web hook with ids": (secret) => path(`/services/T0ABCDEFG/B0ABCDEFGHI/${secret}`),
	"the value of an object": (secret) => json({ token: { value: secret } }),
	"a list of tokens": (secret) => json({ tokens: [secret] }),
	"an object of keys": (secret) => json({ apiKeys: { prod: secret } }),
	"an object of secrets": (secret) => json({ secrets: { mail: secret } }),
	"a private JSON Web Key": (secret) => json({ kty: "RSA", e: "AQAB", d: secret }),
	"a connection string": (secret) => json({ c: `Server=x;User Id=y;Password=${secret};` }),
	"an element with CDATA": (secret) => body("xml", `<a><Password><![CDATA[${secret}]]></Password></a>`),
	"a property list": (secret) => body("xml", `<dict><key>authToken</key><string>${secret}</string></dict>`),
	"XML-RPC": (secret) =>
		body("xml", `<member><name>password</name>\n<value><string>${secret}</string></value></member>`),
	"a cookie of a script": (secret) => body("html", `<script>document.cookie="a1=${secret}; path=/"</script>`),
	"an escaped URL": (secret) => body("html", `<script>u="https:\\/\\/x\\/?access_token\\u003d${secret}"</script>`),
};

t.test("secrets are replaced", async (t) => {
	for (const [name, flow] of Object.entries(forms)) {
		const secret = token();
		const text = redacted(flow(secret));
		t.notMatch(text, secret, name);
		t.match(text, /ftr_/, name);
	}
	const asp = random.text("lowerAlphanumeric", 24);
	t.notMatch(redacted(path(`/(S(${asp}))/a.aspx`)), asp);
	const calendar = random.text("hex", 32);
	t.notMatch(redacted(path(`/ical/private-${calendar}/basic.ics`)), calendar);
});

t.test("other values stay", async (t) => {
	const uuid = random.uuid();
	for (const flow of [
		path("/p?ticket=SHOP-123&key=uploads/2026-01-01/picture.png&sign=scorpio&auth=basic&bearer=none"),
		path(`/sessions/${uuid}/items?ticket=${uuid}`),
		path("/auth/callback-of-the-shop/services/monitoring"),
		json({ tokens: ["the", "cat"], keys: ["name", "created_at"], d: token(), token: { kind: "x" } }),
		json({ ticket: "Berlin to Hamburg, 2nd class", secrets: { count: 2 } }),
		body("xml", "<dict><key>title</key><string>a password for all of them</string></dict>"),
	])
		t.notMatch(redacted(flow), /ftr_/);
});
