// The formats of tokens whose issuers made them recognizable, and of other secrets that are recognizable in any text:
// private keys, JSON web tokens, connection strings, and the credentials of `Authorization`.
import type { SecretKind } from "./names.ts";

/** A format. `pattern` runs on a window of text in which each character is one byte. */
export interface Issuer {
	/** Name of the rule. */
	readonly id: string;
	readonly kind: SecretKind;
	/** Literal texts, one of which is in every token. */
	readonly anchors: readonly string[];
	/** A sticky pattern. Its group 1 is the secret; without groups, all of it is. */
	readonly pattern: RegExp;
	/** Number of bytes before the anchor at which the pattern begins. */
	readonly back: number;
	/** Whether no letter or digit may stand before the pattern. */
	readonly isWord: boolean;
	/** Number of bytes without spaces and quotes that the pattern needs at least. */
	readonly least: number;
	/** A byte behind the anchor without which there is no secret, if such a byte is rare; 0: there is none. */
	readonly mark: number;
	/** Whether the secret may be a token of another format too, which then counts. */
	readonly isGeneral: boolean;
	/** Number of characters at the end that are a check sum; 0: none. */
	readonly sum: number;
	/** Further conditions on the secret. */
	readonly accepts: (secret: string) => boolean;
}

/** Ends a token: with one of these characters behind it, it would be longer. */
const END = "(?![\\w-])";
const UUID = "[\\da-f]{8}-[\\da-f]{4}-[\\da-f]{4}-[\\da-f]{4}-[\\da-f]{12}";

/** A format that begins with one of its anchors. `anchors` is a list with spaces between them. */
function format(
	id: string,
	kind: SecretKind,
	anchors: string,
	source: string,
	options: Partial<Omit<Issuer, "id" | "kind" | "anchors" | "pattern">> & { flags?: string; end?: string } = {},
): Issuer {
	const { flags = "", end = END, ...others } = options;
	const hasGroup = /\((?!\?)/.test(source);
	const pattern = new RegExp(source + end, `y${hasGroup ? "d" : ""}${flags}`);
	const defaults = { back: 0, isWord: true, least: 20, isGeneral: false, sum: 0, mark: 0, accepts: isNoExample };
	return { id, kind, anchors: anchors.split(" "), pattern, ...defaults, ...others };
}

/** A format of one fixed prefix, which is the anchor. `rest` is the pattern of what follows. */
function prefixed(id: string, kind: SecretKind, prefix: string, rest: string): Issuer {
	return format(id, kind, prefix, prefix.replace(/[.$+]/g, "\\$&") + rest);
}

/** A format in which the anchor is not the beginning. */
function around(id: string, kind: SecretKind, anchors: string, back: number, source: string): Issuer {
	return format(id, kind, anchors, source, { back });
}

/** A format whose prefix can also occur in base64, of which the token would then be a part. */
function alone(id: string, kind: SecretKind, anchors: string, source: string): Issuer {
	return format(id, kind, anchors, `(?<![+/])${source}`, { end: "(?![\\w+/-])", accepts: isMixed });
}

/** False for a token of an example, in which x stands for characters. */
function isNoExample(text: string): boolean {
	return !/x{8}|X{8}/.test(text);
}

function isEncodedJwt(text: string): boolean {
	return /^eyJ[\w-]+\.eyJ/.test(Buffer.from(text, "base64").latin1Slice());
}

/** Whether a text is the credentials of Basic: base64 of printable text with a colon. */
export function isBasic(text: string): boolean {
	return /^[^\p{Cc}\ufffd]*:[^\p{Cc}\ufffd]*$/u.test(Buffer.from(text, "base64").toString());
}

/** Whether a text has a letter and a digit, as nearly all tokens of 16 characters or more have. */
export function isMixed(text: string): boolean {
	return /\d/.test(text) && /[a-z]/i.test(text);
}

/** Whether a text is a variable in a template, or a word in brackets that stands for a value. */
export function isTemplate(text: string): boolean {
	return /\$\{|\{\{|%[sdv@]|<\w|^[$%:]\w*$|^[x*.]+$/i.test(text);
}

function isNoTemplate(text: string): boolean {
	return !isTemplate(text);
}

// biome-ignore format: one line for each format
export const issuers: readonly Issuer[] = [
	// any issuer
	format("jwt", "jwt", "eyJ", "eyJ[\\w-]{8,}\\.eyJ[\\w-]{8,}(?:\\.[\\w-]*){0,3}"),
	format("jwt-base64", "jwt", "ZXlK", "ZXlK[\\w+/-]{40,}={0,2}", { accepts: isEncodedJwt }),
	format("authorization", "authorization", "authorization", "authorization[\"']?\\s{0,4}[:=]\\s{0,4}[\"']?(?!bearer|basic|digest|bot |aws)(?:[a-z-]{3,20} )?([\\w.~+/-]{16,}=*)", { flags: "i", least: 0, isGeneral: true, accepts: isMixed }),
	format("bearer", "bearer", "bearer", "bearer(?: {1,4}|%20)([\\w.~+/-]{16,}=*)", { flags: "i", least: 0, isGeneral: true, accepts: isMixed }),
	format("basic", "basic", "basic", "basic(?: {1,4}|%20)([a-z\\d+/_-]{4,}={0,2})", { flags: "i", least: 0, accepts: isBasic }),
	format("cas-ticket", "token", "ST- TGT-", "(?:ST|TGT)-\\d{1,9}-[\\w.-]{16,}", { accepts: isMixed }),
	format("discord-bot", "token", "bot", "bot {1,4}([\\w-]{23,28}\\.[\\w-]{6}\\.[\\w-]{27,38})", { flags: "i", least: 0 }),
	format("url-password", "password", "://", "://[^\\s\"'`<>()[\\]{}|\\\\^/?#@:]{0,100}:([^\\s\"'`<>()[\\]|\\\\^/?#@]{1,200})@", { isWord: false, isGeneral: true, least: 4, mark: 0x40, end: "(?=[\\w[])", accepts: isNoTemplate }),
	format("curl-user", "password", "-u --user", "(?:-u|--user)[ =]{0,2}[\"']?[^\\s\"':<[]{0,80}:([^\\s\"'>\\]]{3,100})(?<=curl [^]{0,180})", { least: 0, end: "", accepts: isNoTemplate }),
	// development and packages
	format("github", "token", "ghp_ gho_ ghu_ ghs_ ghr_", "gh[pousr]_[A-Za-z\\d]{36,255}", { sum: 6 }),
	format("github-fine-grained", "token", "github_pat_", "github_pat_\\w{82}", { sum: 6 }),
	format("gitlab", "token", "glpat- gldt- glrt- glrtr- glft- glsoat- glimt- gloas- glptt- glffct- glagent-", "gl(?:pat|dt|rtr?|ft|soat|imt|oas|ptt|ffct|agent)-[\\w-]{20,300}(?:\\.[\\da-z]{2}\\.?[\\da-z]{7,9})?", { sum: 7 }),
	prefixed("gitlab-job", "token", "glcbt-", "[\\da-zA-Z]{1,5}_[\\w-]{20}"),
	prefixed("gitlab-runner", "token", "GR1348941", "[\\w-]{20}"),
	prefixed("gitlab-session", "session", "_gitlab_session=", "([\\da-z]{32})"),
	format("bitbucket", "password", "ATBB", "ATBB[A-Za-z\\d]{32}"),
	format("atlassian", "token", "ATATT3 ATCTT3 ATSTT3", "AT[ACS]TT3[\\w-]{100,}={0,2}(?:[\\dA-F]{8})?", { sum: 8 }),
	format("npm", "token", "npm_", "npm_[A-Za-z\\d]{36}", { sum: 6 }),
	format("npm-config", "token", "_authToken", "_authToken\\s{0,4}=\\s{0,4}[\"']?([\\w./+-]{16,}=*)", { least: 0, isGeneral: true }),
	format("npm-auth", "basic", "_auth", "_auth\\s{0,4}=\\s{0,4}[\"']?([A-Za-z\\d+/]{16,}={0,2})", { least: 0, accepts: isBasic }),
	prefixed("pypi", "token", "pypi-AgE", "[\\w-]{50,}"),
	prefixed("rubygems", "token", "rubygems_", "[\\da-f]{48}"),
	alone("nuget", "token", "oy2", "oy2[a-z\\d]{43}"),
	alone("crates", "token", "cio", "cio[A-Za-z\\d]{32}"),
	prefixed("clojars", "token", "CLOJARS_", "[a-z\\d]{60}"),
	format("docker", "token", "dckr_pat_ dckr_oat_", "dckr_[po]at_[\\w-]{27,32}"),
	format("docker-config", "basic", "\"auth\"", "\"auth\"\\s{0,4}:\\s{0,4}\"([A-Za-z\\d+/]{8,}={0,2})", { least: 0, end: "(?=\")", accepts: isBasic }),
	format("packagist", "token", "packagist_", "packagist_[ou][ru]t_[\\da-f]{68}"),
	format("artifactory", "key", "AKCp cmVmdGtuOjAx", "(?:AKCp[A-Za-z\\d]{69}|cmVmdGtuOjAx[A-Za-z\\d]{50,60})"),
	format("circleci", "token", "CCIPAT_ CCIPRJ_", "CCIP(?:AT|RJ)_[A-Za-z\\d]{22}_[\\da-f]{40}"),
	format("buildkite", "token", "bkua_ bkat_ bkct_", "bk(?:ua|at|ct)_[\\da-f]{40}"),
	format("sonar", "token", "squ_ sqp_ sqa_", "sq[pua]_[\\da-f]{40}"),
	prefixed("sourcegraph", "token", "sgp_", "(?:(?:[\\da-fA-F]{16}|local)_)?[\\da-fA-F]{40}"),
	prefixed("sourcegraph-licence", "token", "slk_", "[\\da-f]{64}"),
	prefixed("postman", "token", "PMAK-", "[\\da-f]{24}-[\\da-f]{34}"),
	prefixed("octopus", "token", "API-", "[A-Z\\d]{26}"),
	prefixed("prefect", "token", "pnu_", "[A-Za-z\\d]{36}"),
	prefixed("pulumi", "token", "pul-", "[\\da-f]{40}"),
	format("harness", "token", "pat. sat.", "[ps]at\\.[\\w-]{22}\\.[\\da-f]{24}\\.[A-Za-z\\d]{20}"),
	format("jetbrains", "token", "perm:", "perm:[A-Za-z\\d+/=]{4,}\\.[A-Za-z\\d+/=-]{4,}\\.[A-Za-z\\d+/]{20,}"),
	prefixed("readme", "token", "rdme_", "[a-z\\d]{70}"),
	format("launchdarkly", "key", "sdk- mob- api-", `(?:sdk|mob|api)-${UUID}`),
	format("snyk", "token", "snyk_uat. snyk_sat.", "snyk_[us]at\\.[\\da-f]{8}\\.[\\w.-]{40,}"),
	format("percy", "token", "web_ app_ auto_", "(?:web|app|auto)_[\\da-f]{64}"),
	prefixed("chromatic", "token", "chpt_", "[a-z\\d]{12,24}"),
	prefixed("rootly", "token", "rootly_", "[\\da-f]{64}"),
	prefixed("honeybadger", "token", "hbp_", "[A-Za-z\\d]{36}"),
	format("dbt", "token", "dbtc_ dbtu_", "dbt[cu]_[\\w-]{35,60}"),
	format("sidekiq", "credential", "CONTRIBSYS__COM", "CONTRIBSYS__COM[\"']?\\s{0,4}[=:]\\s{0,4}[\"']?([\\da-f]{8}:[\\da-f]{8})", { least: 0 }),
	// clouds and hosting
	format("aws-key-id", "key", "AKIA ASIA ABIA ACCA", "A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}"),
	format("aws-session", "token", "FwoGZXIvYXdz IQoJb3JpZ2luX2Vj", "(?:FwoGZXIvYXdz|IQoJb3JpZ2luX2Vj)[A-Za-z\\d+/%]{100,}={0,2}"),
	format("aws-bedrock", "key", "ABSKQmVkcm9ja0FQSUtleS bedrock-api-key-", "(?:ABSKQmVkcm9ja0FQSUtleS|bedrock-api-key-)[A-Za-z\\d+/]{60,}={0,2}"),
	prefixed("aws-mws", "token", "amzn.mws.", UUID),
	prefixed("google-api-key", "key", "AIza", "[\\w-]{35}"),
	prefixed("google-oauth", "token", "ya29.", "[\\w.-]{20,}"),
	format("google-refresh", "token", "1//0", "1//0[\\w-]{40,}"),
	prefixed("google-client-secret", "secret", "GOCSPX-", "[\\w-]{28}"),
	alone("firebase-messaging", "key", "AAAA", "AAAA[\\w-]{7}:[\\w-]{140}"),
	format("azure-account-key", "key", "AccountKey= AccessKey=", "A(?:ccount|ccess)Key=([A-Za-z\\d+/]{40,}={0,2})", { isWord: false }),
	format("azure-signature", "signature", "sig=", "sig=([A-Za-z\\d+/]{43}=|[A-Za-z\\d%]{43,63}%3D)"),
	around("azure-client-secret", "secret", "Q~", 4, "[\\w~.-]{3}\\dQ~[\\w~.-]{31,34}"),
	around("azure-storage", "key", "+ASt", 76, "[A-Za-z\\d+/]{76}\\+ASt[A-Za-z\\d+/]{5}[AQgw]=="),
	around("azure-cosmos", "key", "ACDb", 76, "[A-Za-z\\d+/]{76}ACDb[A-Za-z\\d+/]{5}[AQgw]=="),
	around("azure-messaging", "key", "+ASb +AEh AIoT", 33, "[A-Za-z\\d+/]{33}(?:\\+ASb|\\+AEh|AIoT)[A-Za-z\\d+/]{5}[A-P]="),
	around("azure-functions", "key", "AzFu", 44, "[\\w-]{44}AzFu[\\w-]{5}[AQgw]=="),
	around("azure-search", "key", "AzSe", 42, "[A-Za-z\\d]{42}AzSe[A-D][A-Za-z\\d]{5}"),
	around("azure-key", "key", "JQQJ9", 52, "[A-Za-z\\d]{52}JQQJ9[9D][A-Za-z\\d]{26}"),
	around("azure-devops", "token", "AZDO", 76, "[A-Za-z\\d]{76}AZDO[A-Za-z\\d]{4}"),
	alone("alibaba", "key", "LTAI", "LTAI[A-Za-z\\d]{20}"),
	alone("tencent", "key", "AKID", "AKID[A-Za-z\\d]{32}"),
	format("yandex", "token", "AQVN t1. YC y0_ y1_ y2_ y3_", "(?:AQVN[\\w-]{35,38}|t1\\.[\\w-]+=*\\.[\\w-]{86}=*|YC[\\w-]{38}|y[0-3]_[\\w-]{55,58})"),
	format("digitalocean", "token", "dop_v1_ doo_v1_ dor_v1_", "do[por]_v1_[\\da-f]{64}"),
	format("cloudflare-origin", "key", "v1.0-", "v1\\.0-[\\da-f]{24}-[\\da-f]{146}"),
	format("heroku", "key", "HRKU-", `HRKU-(?:AA[\\w-]{58}|${UUID})`),
	format("fly", "token", "fo1_ fm1r_ fm1a_ fm2_", "(?:fo1_[\\w-]{43}|fm(?:1[ar]|2)_[A-Za-z\\d+/]{100,}={0,3})"),
	prefixed("render", "token", "rnd_", "[A-Za-z\\d]{32}"),
	format("netlify", "token", "nfp_ nfo_ nfc_ nfu_", "nf[pocu]_[A-Za-z\\d]{36,}"),
	format("vercel", "token", "vercel_blob_rw_ vck_", "(?:vercel_blob_rw_[A-Za-z\\d]{10,}_[A-Za-z\\d]{20,}|vck_[A-Za-z\\d]{40,})"),
	prefixed("scalingo", "token", "tk-us-", "[\\w-]{48}"),
	prefixed("openshift", "token", "sha256~", "[\\w-]{43}"),
	format("tailscale", "key", "tskey-", "tskey-[a-z]{3,8}-[A-Za-z\\d]+-[A-Za-z\\d]{16,}"),
	prefixed("defined-networking", "key", "dnkey-", "[a-z\\d=_-]{26}-[a-z\\d=_-]{52}"),
	format("deno", "token", "ddp_ ddo_", "dd[po]_[A-Za-z\\d]{36}"),
	prefixed("appwrite", "key", "standard_", "[\\da-f]{64,256}"),
	prefixed("netbird", "token", "nbp_", "[A-Za-z\\d]{36}"),
	alone("modal", "token", "ak- as-", "a[ks]-[A-Za-z\\d]{22}"),
	prefixed("runpod", "key", "rpa_", "[A-Z\\d]{30,50}[a-z\\d]{0,10}"),
	prefixed("zuplo", "key", "zpka_", "[\\da-f]{32}_[\\da-f]{8}"),
	prefixed("unkey", "key", "unkey_", "[A-Za-z\\d]{16,}"),
	// secret stores
	format("vault", "token", "hvs. hvb. hvr.", "hv[sbr]\\.[\\w-]{24,}"),
	around("terraform", "token", ".atlasv1.", 14, "[A-Za-z\\d]{14}\\.atlasv1\\.[\\w-]{60,70}"),
	format("doppler", "token", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", "dp\\.(?:pt|ct|sa|scim|audit|st(?:\\.[\\w-]{2,35})?)\\.[A-Za-z\\d]{40,44}"),
	format("onepassword", "token", "ops_eyJ", "ops_eyJ[A-Za-z\\d+/]{250,}={0,3}"),
	format("onepassword-secret-key", "key", "A3-", "A3-[A-Z\\d]{6}-(?:[A-Z\\d]{11}|[A-Z\\d]{6}-[A-Z\\d]{5})(?:-[A-Z\\d]{5}){3}"),
	prefixed("age", "key", "AGE-SECRET-KEY-1", "[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
	// databases and observation
	prefixed("databricks", "token", "dapi", "[\\da-f]{32}(?:-\\d)?"),
	format("planetscale", "token", "pscale_", "pscale_(?:tkn|oauth|pw)_[\\w=.-]{32,64}"),
	prefixed("supabase", "token", "sbp_", "[\\da-f]{40}"),
	prefixed("supabase-secret", "token", "sb_secret_", "[\\w-]{31}"),
	prefixed("neon", "token", "napi_", "[a-z\\d]{60,}"),
	prefixed("mongodb-atlas", "token", "mdb_sa_sk_", "[\\w-]{40}"),
	prefixed("aiven", "password", "AVNS_", "[\\w-]{15,24}"),
	prefixed("elastic", "key", "essu_", "[A-Za-z\\d+/]{40,}={0,2}"),
	prefixed("xata", "key", "xau_", "[A-Za-z\\d]{32,}"),
	alone("clickhouse", "token", "4b1d", "4b1d[A-Za-z\\d]{38}"),
	format("dynatrace", "token", "dt0c01. dt0s01. dt0s02. dt0s16.", "dt0[cs]\\d\\d\\.[A-Z\\d]{8,24}\\.[A-Z\\d]{64}"),
	format("newrelic", "key", "NRAK- NRJS- NRII- NRRA-", "(?:NRAK-[A-Z\\d]{27}|NRJS-[\\da-f]{19}|NRII-[\\w-]{32}|NRRA-[\\da-f]{42})"),
	around("newrelic-licence", "key", "NRAL", 36, "[\\da-f]{36}NRAL"),
	format("grafana", "token", "glsa_ glc_", "(?:glsa_[A-Za-z\\d]{32}_[\\da-f]{8}|glc_[A-Za-z\\d+/]{32,400}={0,3})", { sum: 8 }),
	format("grafana-key", "key", "eyJrIjoi", "eyJrIjoi[A-Za-z\\d+/]{60,400}={0,3}"),
	format("sentry", "token", "sntrys_eyJ sntryu_", "(?:sntrys_eyJ[\\w+/=]{80,}|sntryu_[\\da-f]{64})"),
	format("posthog", "key", "phx_", "phx_[A-Za-z\\d]{40,}"),
	format("honeycomb", "key", "hcaik_ hcxik_ hcamk_", "hc[ax][im]k_[a-z\\d]{26,60}"),
	// machine learning
	format("anthropic", "key", "sk-ant-", "sk-ant-[a-z]{3,5}\\d\\d-[\\w-]{80,}"),
	format("openai", "key", "sk-", "sk-(?:(?:proj|svcacct|admin|None)-[\\w-]{40,}|[\\w-]{20}T3BlbkFJ[\\w-]{20})"),
	alone("sk-key", "key", "sk-", "sk-(?:[A-Za-z\\d]{32,64}|(?:or-v1|lf|or)-[\\da-f-]{36,64})"),
	prefixed("huggingface", "token", "hf_", "[A-Za-z]{34}"),
	prefixed("huggingface-organization", "token", "api_org_", "[A-Za-z]{34}"),
	prefixed("groq", "key", "gsk_", "[A-Za-z\\d]{52}"),
	prefixed("xai", "key", "xai-", "[A-Za-z\\d]{70,90}"),
	prefixed("perplexity", "key", "pplx-", "[A-Za-z\\d]{48}"),
	prefixed("replicate", "token", "r8_", "[A-Za-z\\d]{37}"),
	format("langsmith", "key", "lsv2_pt_ lsv2_sk_", "lsv2_(?:pt|sk)_[\\da-f]{32}_[\\da-f]{10}"),
	alone("pinecone", "key", "pcsk_", "pcsk_[\\w-]{40,}"),
	prefixed("nvidia", "key", "nvapi-", "[\\w-]{60,70}"),
	alone("tavily", "key", "tvly-", "tvly-[\\w-]{20,}"),
	prefixed("elevenlabs", "key", "sk_", "[\\da-f]{48}"),
	prefixed("cerebras", "key", "csk-", "[a-z\\d]{48}"),
	prefixed("firecrawl", "key", "fc-", "[\\da-f]{32}"),
	alone("fireworks", "key", "fw_", "fw_[A-Za-z\\d]{22,24}"),
	alone("voyage", "key", "pa-", "pa-[\\w-]{43}"),
	prefixed("apify", "token", "apify_api_", "[A-Za-z\\d]{36}"),
	format("browserbase", "key", "bb_live_ bb_test_", "bb_(?:live|test)_[\\w-]{24,32}"),
	// payment and shops
	format("stripe", "key", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_", "[sr]k_(?:live|test|prod)_[A-Za-z\\d]{10,250}"),
	prefixed("stripe-webhook", "secret", "whsec_", "[A-Za-z\\d+/]{32,}=*"),
	format("shopify", "token", "shpat_ shpca_ shppa_ shpss_ shptka_", "shp(?:at|ca|pa|ss|tka)_[\\da-fA-F]{32}"),
	format("square", "token", "sq0atp- sq0csp- sq0idp-", "sq0(?:(?:atp|idp)-[\\w-]{22}|csp-[\\w-]{43})"),
	alone("square-access", "token", "EAAA", "EAAA[\\w-]{60}"),
	format("paypal", "token", "access_token$ A21AA", "(?:access_token\\$(?:production|sandbox)\\$[\\da-z]{16}\\$[\\da-f]{32}|A21AA[\\w-]{80,})"),
	format("plaid", "token", "access-", `access-(?:sandbox|development|production)-${UUID}`),
	format("flutterwave", "key", "FLWSECK", "FLWSECK(?:_TEST|_PROD)?-[\\da-hA-H]{12,32}(?:-X)?"),
	format("shippo", "token", "shippo_", "shippo_(?:live|test)_[\\da-f]{40}"),
	alone("easypost", "key", "EZAK EZTK", "EZ[AT]K[A-Za-z\\d]{54}"),
	format("duffel", "token", "duffel_", "duffel_(?:test|live)_[\\w=-]{43}"),
	format("lob", "key", "live_ test_", "(?:live|test)_(?:[\\da-f]{35}|pub_[\\da-f]{31})"),
	format("gocardless", "token", "live_", "live_[\\w=-]{40}"),
	format("mollie", "key", "live_ test_", "(?:live|test)_[A-Za-z\\d]{30}"),
	format("paddle", "key", "pdl_live_ pdl_sdbx_ pdl_ntfset_", "pdl_(?:(?:live|sdbx)_apikey_[a-z\\d]{26}_[A-Za-z\\d]{22}_[A-Za-z\\d]{3}|ntfset_[a-z\\d]{26}_[\\w+/=-]{20,})"),
	format("polar", "token", "polar_oat_ polar_pat_", "polar_[op]at_[\\w-]{32,60}"),
	alone("adyen", "key", "AQE", "AQE[\\w+/]{20,}-[\\w+/]{20,}=?-[^\\s\"'<>&\\\\]{8,}"),
	format("persona", "key", "persona_", `persona_(?:production|sandbox)_${UUID}`),
	format("onfido", "token", "api_live. api_sandbox. api_live_", "api_(?:live|sandbox)(?:_[a-z]{2})?\\.[\\w-]{8,16}\\.[\\w-]{20,}"),
	// messages and mail
	format("slack", "token", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxc- xoxd- xoxe- xoxe.", "xox(?:[bparsocd]-[\\w%-]{10,}|e(?:\\.xox[bp])?-(?:\\d-)?[A-Za-z\\d-]{20,})"),
	prefixed("slack-app", "token", "xapp-", "\\d-[A-Z\\d]+-\\d+-[a-z\\d]+"),
	format("sql-password", "password", "assword= Pwd= pwd= PWD=", "(?<=;\\s?(?:[Pp]|User )?)(?:assword|[Pp]wd|PWD)=([^;\"'\\s&<>\\\\]{4,200})", {
		isWord: false,
		least: 8,
		end: "(?=[;\"'\\\\]|$)",
		accepts: (secret) => !isTemplate(secret),
	}),
	format("cookie-script", "session", "document.cookie", "document\\.cookie\\s?=\\s?[\"'`]\\s?[\\w.-]{1,64}=([\\w.%~+/=-]{16,})", {
		end: "(?=[;\"'`])",
		least: 15,
		accepts: isMixed,
	}),
	format("slack-webhook", "webhook", "hooks.slack.com", "hooks\\.slack\\.com/((?:services|workflows|triggers)/[\\w+/-]{30,})"),
	format("discord-webhook", "webhook", "/api/webhooks/", "/api/webhooks/\\d{17,20}/([\\w-]{60,72})", { isWord: false }),
	format("teams-webhook", "webhook", "webhook.office.com", "webhook\\.office\\.com/(webhookb2/[\\w@.-]{36,}/IncomingWebhook/[\\w/-]{32,})"),
	format("lark-webhook", "webhook", "/open-apis/bot/v2/hook/", `/open-apis/bot/v2/hook/(${UUID})`, { isWord: false }),
	format("zapier-webhook", "webhook", "hooks.zapier.com", "hooks\\.zapier\\.com/hooks/catch/(\\d+/[a-z\\d]+)"),
	format("ifttt-webhook", "webhook", "maker.ifttt.com", "maker\\.ifttt\\.com/trigger/[\\w-]+/(?:json/)?with/key/([\\w-]{20,})"),
	format("telegram", "token", ":A", "(?<=(?<!\\d)\\d{8,10}):(A[\\w-]{34})", { isWord: false, accepts: isMixed }),
	format("sendgrid", "key", "SG.", "SG\\.[\\w-]{22}\\.[\\w-]{43}"),
	prefixed("twilio", "key", "SK", "[\\da-f]{32}"),
	format("mailgun", "key", "key- pubkey-", "(?<![_-])(?:pub)?key-[\\da-f]{32}"),
	around("mailchimp", "key", "-us", 32, "[\\da-f]{32}-us\\d{1,2}"),
	format("brevo", "key", "xkeysib- xsmtpsib-", "x(?:key|smtp)sib-[\\da-f]{64}-[A-Za-z\\d]{16}"),
	prefixed("mailersend", "token", "mlsn.", "[\\da-f]{64}"),
	alone("resend", "key", "re_", "re_[A-Za-z\\d]{8}_[A-Za-z\\d]{24}"),
	alone("mandrill", "key", "md-", "md-[\\w-]{22}"),
	prefixed("telnyx", "key", "KEY", "[\\dA-F]{32}_[\\w-]{22}"),
	format("twitch-chat", "token", "oauth:", "oauth:([a-z\\d]{30})", { accepts: isMixed }),
	// people, documents and other services
	alone("facebook", "token", "EAA", "EAA[A-Za-z\\d]{80,}"),
	alone("instagram", "token", "IGQV IGAA", "IG(?:QV|AA)[\\w-]{80,}"),
	alone("twitter", "bearer", "AAAAAAAAAAAAAAAAAAAAA", "A{21}[A-Za-z\\d%]{30,}"),
	format("notion", "token", "ntn_ secret_", "(?:ntn_[A-Za-z\\d]{46}|secret_[A-Za-z\\d]{43})"),
	format("airtable", "token", "pat", "pat[A-Za-z\\d]{14}\\.[\\da-f]{64}"),
	format("linear", "key", "lin_api_ lin_oauth_", "lin_(?:api|oauth)_[A-Za-z\\d]{40,64}"),
	format("figma", "token", "figd_ figu_ figo_", "fig[duo]_[\\w-]{38,}"),
	prefixed("trello", "token", "ATTA", "[\\da-f]{64}"),
	format("asana", "token", "1/ 2/", "[12]/(?:\\d{16}/)?\\d{16}:[\\da-f]{32}"),
	format("hubspot", "token", "pat-", `pat-[a-z]{2}\\d-${UUID}`),
	format("salesforce-session", "session", "00D", "00D[A-Za-z\\d]{12}![\\w.]{60,}", { least: 15 }),
	format("okta", "token", "SSWS", "SSWS (00[\\w-]{40})", { least: 0 }),
	alone("intercom", "token", "dG9rO", "dG9rO[A-Za-z\\d+/]{40,}={0,2}"),
	prefixed("clickup", "token", "pk_", "\\d{5,9}_[A-Z\\d]{32}"),
	prefixed("contentstack", "token", "cs", "[\\da-f]{32}"),
	prefixed("imagekit", "key", "private_", "[A-Za-z\\d+/]{27}="),
	prefixed("typeform", "token", "tfp_", "[\\w.=-]{59}"),
	prefixed("contentful", "token", "CFPAT-", "[\\w-]{43}"),
	format("dropbox", "token", "sl.", "sl\\.(?:u\\.)?[\\w-]{130,}"),
	prefixed("adobe", "secret", "p8e-", "[a-z\\d]{32}"),
	prefixed("frameio", "token", "fio-u-", "[\\w=-]{64}"),
	prefixed("mapbox", "token", "sk.eyJ", "[\\w-]{20,}\\.[\\w-]{22}"),
	around("maxmind", "key", "_mmk", 36, "[A-Za-z\\d]{6}_[A-Za-z\\d]{29}_mmk"),
	format("intra42", "secret", "s-s4t2", "s-s4t2(?:ud|af)-[\\da-f]{64}"),
	format("settlemint", "token", "sm_aat_ sm_pat_ sm_sat_", "sm_[aps]at_[A-Za-z\\d]{16}"),
	format("stytch", "secret", "secret-", "secret-(?:test|live)-[\\w-]{36,}=?"),
];

/**
 * Words in names of services whose tokens have no recognizable format. Behind such a word, a value in text counts as
 * a secret also if it is short or has only digits.
 */
// biome-ignore format: a list of words
export const vendorWords: readonly string[] = [
	"adafruit", "adobe", "airtable", "algolia", "alibaba", "artifactory", "asana", "atlassian", "authress", "aws", "azure",
	"beamer", "bintray", "bitbucket", "bittrex", "braintree", "clickhouse", "clojars", "cloudflare", "codecov", "cohere", "coinbase", "confluence", "confluent",
	"contentful", "databricks", "datadog", "digitalocean", "discord", "docker", "doppler", "droneci", "dropbox", "etsy",
	"facebook", "fastly", "finicity", "finnhub", "flickr", "freshbooks", "freshdesk", "gcp", "gitee", "github", "gitlab",
	"gitter", "gocardless", "google", "grafana", "heroku", "hubspot", "infracost", "instagram", "intercom", "jfrog", "jira",
	"klaviyo", "kraken", "kucoin", "launchdarkly", "linear", "linkedin", "lob", "looker", "mailchimp", "mailgun", "mapbox",
	"mattermost", "maxmind", "meraki", "message bird", "messagebird", "mixpanel", "netlify", "newrelic", "new relic", "ngrok", "notion", "npm",
	"nytimes", "okta", "openai", "opsgenie", "pagerduty", "paypal", "planetscale", "plaid", "postmark", "privateai",
	"rapidapi", "rollbar", "segment", "sendbird", "sendgrid", "sendinblue", "sentry", "shippo", "shopify", "sidekiq",
	"slack", "snyk", "sonar", "sourcegraph", "splunk", "spotify", "square", "squarespace", "stripe", "sumologic", "sumo",
	"teams", "telegram", "travis", "trello", "twilio", "twitch", "twitter", "typeform", "vercel", "wakatime", "yandex",
	"zendesk",
];
