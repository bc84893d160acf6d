// A sample of every format, built so that no scanner of this repository takes it for a token.
import t from "tap";
import { RandomTokens } from "../../../fixtures/random-tokens.ts";
import { isBasic, issuers, isTemplate } from "../../../src/redact/issuers.ts";
import { findInText } from "../../../src/redact/text.ts";

const random = new RandomTokens(15);
const [hex, alnum, url, b64, upper, lower] = (
	["hex", "alphanumeric", "url", "base64", "upperAlphanumeric", "lowerAlphanumeric"] as const
).map((alphabet) => (length: number) => random.text(alphabet, length)) as ((length: number) => string)[] as [
	(length: number) => string,
	(length: number) => string,
	(length: number) => string,
	(length: number) => string,
	(length: number) => string,
	(length: number) => string,
];
const digits = (length: number) => String(1 + random.integer(9)) + random.text("digits", length - 1);
const claims = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** For each rule, samples: the secret alone, or what stands before it, the secret, and what stands behind. */
const samples: Readonly<Record<string, readonly (string | readonly [string, string, string?])[]>> = {
	jwt: [
		`${claims({ alg: "HS256" })}.${claims({ sub: "1" })}.${url(43)}`,
		`${claims({ alg: "RS256" })}.${claims({ text: alnum(3000) })}.${url(342)}`,
	],
	"jwt-base64": [Buffer.from(`${claims({ alg: "HS256" })}.${claims({ sub: "1" })}.${url(43)}`).toString("base64")],
	authorization: [
		["Authorization: Api-Token ", alnum(32)],
		['-H "authorization:', random.uuid(), '"'],
	],
	bearer: [
		["Authorization: Bearer ", alnum(40)],
		['"bearer ', `${b64(30)}==`, '"'],
		["BEARER%20", url(16), "&"],
	],
	basic: [
		["Authorization: Basic ", Buffer.from("joe:secret").toString("base64")],
		["basic ", "YTpi", "'"],
	],
	"discord-bot": [["Authorization: Bot ", `M${alnum(23)}.${url(6)}.${url(38)}`]],
	"url-password": [
		["postgres://joe:", "pa+ss%21", "@db.example:5432/x"],
		["redis://:", hex(8), "@localhost"],
		["https://joe:", "x{y}", "@[::1]/"],
	],
	"curl-user": [
		["curl -u joe:", "hunter2", " https://api.example"],
		["curl -sS --user 'joe:", "p:w", "'"],
	],
	github: ["ghp", "gho", "ghu", "ghs", "ghr"].map((prefix) => `${prefix}_${alnum(36)}`),
	"github-fine-grained": [`github_${"pat"}_${alnum(22)}_${alnum(59)}`],
	gitlab: [`glpat-${url(20)}`, `glpat-${url(27)}.01.${lower(9)}`, `gldt-${url(20)}`, `glrt-t1_${url(20)}`],
	"gitlab-job": [`glcbt-${hex(2)}_${url(20)}`],
	"gitlab-runner": [`GR1348941${url(20)}`],
	"gitlab-session": [["_gitlab_session=", lower(32), "; x"]],
	bitbucket: [`ATBB${alnum(32)}`],
	atlassian: [`ATATT3xFfGF0${url(170)}=${random.text("upperHex", 8)}`],
	npm: [`npm_${alnum(36)}`],
	"npm-config": [["//registry.example/:_authToken=", random.uuid(), "\n"]],
	"npm-auth": [["_auth = ", Buffer.from("deployer:hunter22").toString("base64")]],
	pypi: [`pypi-AgE${url(150)}`],
	rubygems: [`rubygems_${hex(48)}`],
	nuget: [`oy2${lower(43)}`],
	crates: [`cio${alnum(32)}`],
	clojars: [`CLOJARS_${lower(60)}`],
	docker: [`dckr_pat_${url(27)}`],
	"docker-config": [['{"auth": "', Buffer.from("joe:pw").toString("base64"), '"}']],
	packagist: [`packagist_uut_${hex(68)}`],
	artifactory: [`AKCp${alnum(69)}`, `cmVmdGtuOjAx${alnum(52)}`],
	circleci: [`CCIPAT_${alnum(22)}_${hex(40)}`],
	buildkite: [`bkua_${hex(40)}`],
	sonar: [`squ_${hex(40)}`],
	sourcegraph: [`sgp_${hex(16)}_${hex(40)}`, `sgp_local_${hex(40)}`, `sgp_${hex(40)}`],
	"sourcegraph-licence": [`slk_${hex(64)}`],
	postman: [`PMAK-${hex(24)}-${hex(34)}`],
	octopus: [`API-${upper(26)}`],
	prefect: [`pnu_${alnum(36)}`],
	pulumi: [`pul-${hex(40)}`],
	harness: [`pat.${url(22)}.${hex(24)}.${alnum(20)}`],
	jetbrains: [`perm:${alnum(12)}=.${alnum(8)}.${alnum(30)}`],
	readme: [`rdme_${lower(70)}`],
	launchdarkly: [`sdk-${random.uuid()}`],
	sidekiq: [["BUNDLE_ENTERPRISE__CONTRIBSYS__COM=", `${hex(8)}:${hex(8)}`]],
	"aws-key-id": ["AKIA", "ASIA"].map((prefix) => prefix + random.text("base32", 16)),
	"aws-session": [`IQoJb3JpZ2luX2Vj${b64(400)}`],
	"aws-bedrock": [`ABSKQmVkcm9ja0FQSUtleS${b64(90)}=`],
	"aws-mws": [`amzn.mws.${random.uuid()}`],
	"google-api-key": [`AIza${url(35)}`],
	"google-oauth": [`ya29.${url(120)}`],
	"google-refresh": [`1//0${url(60)}`],
	"google-client-secret": [`GOCSPX-${url(28)}`],
	"firebase-messaging": [`AAAA${url(7)}:${url(140)}`],
	"azure-account-key": [["DefaultEndpointsProtocol=https;AccountName=x;AccountKey=", `${b64(86)}==`, ";E"]],
	"azure-signature": [
		["?sv=2020-08-04&sig=", `${b64(43)}=`, "&se="],
		["&sig=", `${alnum(40)}%2Fa1%3D`],
	],
	"azure-client-secret": [`${alnum(3)}8Q~${url(34)}`],
	"azure-storage": [`${b64(76)}+ASt${b64(5)}A==`],
	"azure-cosmos": [`${b64(76)}ACDb${b64(5)}A==`],
	"azure-messaging": [`${b64(33)}+ASb${b64(5)}A=`, `${b64(33)}AIoT${b64(5)}A=`],
	"azure-functions": [`${url(44)}AzFu${url(5)}A==`],
	"azure-search": [`${alnum(42)}AzSeA${alnum(5)}`],
	"azure-key": [`${alnum(52)}JQQJ99${alnum(26)}`],
	"azure-devops": [`${alnum(76)}AZDO${alnum(4)}`],
	alibaba: [`LTAI${alnum(20)}`],
	tencent: [`AKID${alnum(32)}`],
	yandex: [`AQVN${url(36)}`, `t1.${url(90)}.${url(86)}`, `YC${url(38)}`, `y0_${url(55)}`],
	digitalocean: [`dop_v1_${hex(64)}`],
	"cloudflare-origin": [`v1.0-${hex(24)}-${hex(146)}`],
	heroku: [`HRKU-AA${url(58)}`, `HRKU-${random.uuid()}`],
	fly: [`fo1_${url(43)}`, `fm2_${b64(600)}`],
	render: [`rnd_${alnum(32)}`],
	netlify: [`nfp_${alnum(36)}`],
	vercel: [`vercel_blob_rw_${alnum(16)}_${alnum(30)}`, `vck_${alnum(56)}`],
	scalingo: [`tk-us-${url(48)}`],
	openshift: [`sha256~${url(43)}`],
	tailscale: [`tskey-auth-${alnum(12)}CNTRL-${alnum(32)}`],
	"defined-networking": [`dnkey-${lower(26)}-${lower(52)}`],
	vault: [`hvs.${url(90)}`, `hvb.${url(140)}`],
	terraform: [`${alnum(14)}.atlasv1.${url(67)}`],
	doppler: [`dp.pt.${alnum(43)}`, `dp.st.dev_x.${alnum(43)}`],
	onepassword: [`ops_eyJ${alnum(300)}`],
	"onepassword-secret-key": [`A3-${upper(6)}-${upper(6)}-${upper(5)}-${upper(5)}-${upper(5)}-${upper(5)}`],
	age: [`AGE-SECRET-KEY-1${random.text("bech32", 58)}`],
	databricks: [`dapi${hex(32)}-3`],
	planetscale: [`pscale_tkn_${url(43)}`],
	supabase: [`sbp_${hex(40)}`],
	"supabase-secret": [`sb_secret_${url(31)}`],
	neon: [`napi_${lower(64)}`],
	"mongodb-atlas": [`mdb_sa_sk_${url(40)}`],
	clickhouse: [`4b1d${alnum(38)}`],
	dynatrace: [`dt0c01.${upper(24)}.${upper(64)}`],
	newrelic: [`NRAK-${upper(27)}`, `NRJS-${hex(19)}`],
	"newrelic-licence": [`${hex(36)}NRAL`],
	grafana: [`glsa_${alnum(32)}_${hex(8)}`, `glc_${b64(120)}=`],
	"grafana-key": [`eyJrIjoi${alnum(80)}==`],
	sentry: [`sntrys_eyJ${alnum(120)}=_${url(43)}`, `sntryu_${hex(64)}`],
	posthog: [`phx_${alnum(43)}`],
	honeycomb: [`hcaik_${lower(58)}`],
	anthropic: [`sk-ant-api03-${url(93)}AA`],
	openai: [`sk-proj-${url(124)}`, `sk-${alnum(20)}T3BlbkFJ${alnum(20)}`],
	"sk-key": [`sk-${hex(32)}`, `sk-or-v1-${hex(64)}`, `sk-lf-${random.uuid()}`],
	huggingface: [`hf_${random.text("letters", 34)}`],
	"huggingface-organization": [`api_org_${random.text("letters", 34)}`],
	groq: [`gsk_${alnum(52)}`],
	xai: [`xai-${alnum(80)}`],
	perplexity: [`pplx-${alnum(48)}`],
	replicate: [`r8_${alnum(37)}`],
	langsmith: [`lsv2_pt_${hex(32)}_${hex(10)}`],
	pinecone: [`pcsk_${alnum(6)}_${alnum(60)}`],
	nvidia: [`nvapi-${url(64)}`],
	tavily: [`tvly-dev-${alnum(32)}`],
	elevenlabs: [`sk_${hex(48)}`],
	stripe: [`sk_${"live"}_${alnum(24)}`, `rk_${"test"}_${alnum(99)}`],
	"stripe-webhook": [`whsec_${alnum(32)}`],
	shopify: [`shpat_${hex(32)}`],
	square: [`sq0atp-${url(22)}`, `sq0csp-${url(43)}`],
	"square-access": [`EAAA${url(60)}`],
	paypal: [`access_token$production$${lower(16)}$${hex(32)}`, `A21AA${url(90)}`],
	plaid: [`access-sandbox-${random.uuid()}`],
	flutterwave: [`FLWSECK-${hex(32)}-X`],
	shippo: [`shippo_live_${hex(40)}`],
	easypost: [`EZAK${alnum(54)}`],
	duffel: [`duffel_live_${url(43)}`],
	lob: [`live_${hex(35)}`],
	gocardless: [`live_${url(40)}`],
	slack: [
		`xoxb-${digits(12)}-${digits(13)}-${alnum(24)}`,
		`xoxe.xoxp-1-${alnum(146)}`,
		`xoxd-${alnum(60)}%2B${alnum(9)}`,
	],
	"slack-app": [`xapp-1-A${upper(10)}-${digits(13)}-${hex(64)}`],
	"slack-webhook": [["https://hooks.slack.com/", `services/T${upper(8)}/B${upper(8)}/${alnum(24)}`]],
	"discord-webhook": [[`https://discord.com/api/webhooks/${digits(18)}/`, url(68)]],
	"teams-webhook": [
		[
			"https://x.webhook.office.com/",
			`webhookb2/${random.uuid()}@${random.uuid()}/IncomingWebhook/${hex(32)}/${hex(8)}`,
		],
	],
	"zapier-webhook": [["https://hooks.zapier.com/hooks/catch/", `${digits(8)}/${lower(7)}`, "/"]],
	"ifttt-webhook": [["https://maker.ifttt.com/trigger/event/with/key/", url(22)]],
	telegram: [[`https://api.telegram.org/bot${digits(10)}:`, `AA${url(33)}`, "/getMe"]],
	sendgrid: [`SG.${url(22)}.${url(43)}`],
	twilio: [`SK${hex(32)}`],
	mailgun: [`key-${hex(32)}`],
	mailchimp: [`${hex(32)}-us14`],
	brevo: [`xkeysib-${hex(64)}-${alnum(16)}`],
	mailersend: [`mlsn.${hex(64)}`],
	resend: [`re_${alnum(8)}_${alnum(24)}`],
	facebook: [`EAA${alnum(180)}`],
	instagram: [`IGQV${url(130)}`],
	twitter: [`${"A".repeat(21)}${alnum(80)}`],
	notion: [`ntn_${alnum(46)}`, `secret_${alnum(43)}`],
	airtable: [`pat${alnum(14)}.${hex(64)}`],
	linear: [`lin_api_${alnum(40)}`],
	figma: [`figd_${url(40)}`],
	trello: [`ATTA${hex(64)}`],
	asana: [`1/${digits(16)}:${hex(32)}`, `2/${digits(16)}/${digits(16)}:${hex(32)}`],
	hubspot: [`pat-na1-${random.uuid()}`],
	typeform: [`tfp_${url(59)}`],
	contentful: [`CFPAT-${url(43)}`],
	dropbox: [`sl.${url(136)}`, `sl.u.${url(1200)}`],
	adobe: [`p8e-${lower(32)}`],
	frameio: [`fio-u-${url(64)}`],
	mapbox: [`sk.${claims({ u: "joe", a: alnum(20) })}.${url(22)}`],
	maxmind: [`${alnum(6)}_${alnum(29)}_mmk`],
	intra42: [`s-s4t2ud-${hex(64)}`],
	settlemint: [`sm_pat_${alnum(16)}`],
	stytch: [`secret-live-${url(36)}`],
};

t.test("every format has a sample, and none twice", (t) => {
	t.same(Object.keys(samples).sort(), issuers.map(({ id }) => id).sort());
	t.end();
});

t.test("a token is found by its rule: alone, in JSON, in a URL, behind an escape", (t) => {
	for (const { id, kind } of issuers) {
		for (const sample of samples[id] ?? []) {
			const [before, secret, after = ""] = typeof sample === "string" ? ["", sample] : sample;
			const texts = [
				before + secret + after,
				`{"text":"a\\n${before}${secret}${after}\\n"}`,
				`x ${before}${secret}${after} y`,
			];
			if (typeof sample === "string")
				texts.push(`<p>${secret}</p>`, `a=${encodeURIComponent("x=")}${secret}&b`, `("${secret}")`);
			for (const text of texts) {
				const bytes = Buffer.from(text);
				for (const free of [false, true]) {
					const found = findInText(bytes, { free }).filter((span) => span.confidence === "high");
					t.same(
						found.map(({ from, to, ...span }) => ({ ...span, secret: bytes.toString("utf8", from, to) })),
						[{ kind, rule: id, confidence: "high", secret }],
						text,
					);
				}
			}
		}
	}
	t.end();
});

t.test("a token inside a longer word is none", (t) => {
	for (const text of [
		`x${"ghp"}_${alnum(36)}`,
		`${"ghp"}_${alnum(36)}_x`,
		`data:image/png;base64,${b64(40)}/EAA${alnum(90)}+${b64(40)}`,
		`AKIA${upper(20)}`,
		`${hex(40)}-us1`,
	])
		t.same(findInText(Buffer.from(text)), [], text);
	t.end();
});

t.test("Basic is only what decodes to a user and a password", (t) => {
	t.ok(isBasic(Buffer.from("joe:").toString("base64")));
	t.ok(isBasic(Buffer.from("jörg:ü").toString("base64")));
	for (const text of ["authentication", "usage", "YWJjZA==", "AAA6AAA="]) t.notOk(isBasic(text), text);
	t.end();
});

t.test("variables of templates are no secrets", (t) => {
	for (const text of [
		"$\u007bPASSWORD}",
		"$PASSWORD",
		"{{ password }}",
		"%s",
		"<password>",
		"xxxx",
		"****",
		"...",
		":pass",
	])
		t.ok(isTemplate(text), text);
	for (const text of ["pa$$word", "hunter2", "100%sure?".slice(0, 4), "a{b}"]) t.notOk(isTemplate(text), text);
	t.end();
});
