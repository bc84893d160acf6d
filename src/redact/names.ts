// Tells by the name of a value whether the value is a secret: names of parameters, form fields, JSON keys, XML
// attributes, cookies and headers.
import { RecentMap } from "../flow/recent-map.ts";
import { entropy } from "./entropy.ts";

/** The kinds of secrets. Placeholders and reports contain these words. */
export type SecretKind =
	| "assertion"
	| "authorization"
	| "basic"
	| "bearer"
	| "code"
	| "connection"
	| "credential"
	| "csrf"
	| "jwt"
	| "key"
	| "nonce"
	| "opaque"
	| "otp"
	| "password"
	| "secret"
	| "session"
	| "signature"
	| "token"
	| "webhook";

/** Words that mean a secret as the last word of a name. Some are what other words become without their border. */
const lastWords: ReadonlyMap<string, SecretKind> = new Map([
	...kinds("password", "password passwords passwd pwd passphrase passcode pw psk"),
	// in German, Spanish, Portuguese, French and Dutch
	...kinds("password", "passwort kennwort contrasena senha motdepasse wachtwoord"),
	...kinds("otp", "otp otc totp pin cvv cvc vercode accesscode"),
	...kinds("token", "token jwt hdnts hdnea"),
	// only values that look random: these words have other meanings too
	...kinds("opaque", "auth bearer ticket sign tkn sess sk skey viewkey rlkey resourcekey unlock wxsid"),
	...kinds("secret", "secret secrets"),
	...kinds("key", "apikey"),
	...kinds("signature", "sig signature hmac"),
	...kinds("credential", "credential credentials creds"),
	...kinds("assertion", "assertion samlrequest samlresponse samlart wresult"),
	...kinds("session", "session sid sessionid sessid phpsessid jsessionid hsid apisid sapisid psid psidts sidcc"),
	...kinds("csrf", "csrf xsrf csrftoken xsrftoken csrfmiddlewaretoken requestverificationtoken authenticitytoken"),
	// Jenkins and Yahoo, WordPress, Facebook, Microsoft
	...kinds("csrf", "crumb wpnonce dtsg lsd ppft"),
	...kinds("code", "codeverifier"),
	...kinds("connection", "connectionstring connstr"),
	...kinds("authorization", "authorization"),
]);

/** The same for two last words, joined by a space. */
const lastPairs: ReadonlyMap<string, SecretKind> = new Map([
	...kinds("session", "session id,sess id,session key"),
	...kinds("assertion", "saml request,saml response"),
	...kinds("connection", "connection string,connection url,connection uri"),
	...kinds("code", "code verifier,authorization code,auth code,device code,oauth verifier"),
	...kinds("csrf", "authenticity token,verification token,wp nonce,form key,anti forgery"),
	...kinds("opaque", "magic link,invite code,user code"),
	...kinds("password", "de passe,mot passe"),
	...kinds("secret", "seed phrase,recovery phrase"),
	...kinds("otp", "access code,verify code,ver code"),
	...kinds(
		"token",
		"token hint,state handle,interaction handle,captcha response,recaptcha response,turnstile response",
	),
	...kinds("otp", "verification code,security code,confirmation code,otp code,totp code,mfa code,sms code,auth pin"),
	...kinds(
		"otp",
		"backup code,backup codes,recovery code,recovery codes,factor code,time code,oob code,authenticator code",
	),
	...kinds("token", "access tokens,refresh tokens,auth tokens,api tokens,bearer tokens"),
	...kinds("secret", "secret string,secret binary,secret block"),
]);

/** In front of `key` and `keys`, these words make it a secret. */
const keyWords = words(
	"api access private secret account shared subscription function master auth encryption signing app application " +
		"admin service deploy license hmac aes rsa webhook integration write apikey share stream sess priv",
);
/** In front of `pass`, these words make it a password. Alone, it can be a verb or a ticket. */
const passWords = words(
	"user db database smtp mail email imap proxy ftp ssh http basic auth admin root login mysql pg postgres redis " +
		"mongo rabbit key keystore truststore cert new old my wifi vpn ldap sudo wp",
);
/** In front of `sid`, these words make it a session. Alone, it can be any id of a service. */
const sidWords = words("connect session user auth sso php express secure x");
/** In front of `token`, these words make it a cursor, an idempotency key or a part of a text. */
const harmlessTokens = words(
	"page next previous prev continuation sync pagination paging starting start end cursor skip resume idempotency " +
		"dedup unk bos eos pad sep cls mask stop special design first last per current input output lex syntax parse " +
		"comment punctuation cancel cancellation concurrency change watch delimiter",
);
/** In front of `signature`, these words make it a type, an autograph or a text. */
const harmlessSignatures = words("function method type call email mail file magic class constructor");
/** Last words that do not change the meaning of the words before them. */
const trailingWords = words(
	"confirmation confirm again repeat repeated verify retype value hash hashed digest plain plaintext raw text " +
		"encrypted base b64 new old current",
);
/** Suffixes of a word in lower case without borders, such as `accesstoken`. */
const suffixes = ["password", "passwd", "passphrase", "secret", "token", "apikey", "sessionid"] as const;
/** Words that end in one of these suffixes, but do not name a secret. */
const harmlessWords = words("pagetoken nextpagetoken nexttoken continuationtoken synctoken pagingtoken");

/** Names of headers whose whole value is a secret, besides those whose last words say so. */
const headers: ReadonlyMap<string, SecretKind> = new Map([
	...kinds("authorization", "authentication-info proxy-authentication-info"),
	...kinds("token", "x-amz-security-token x-firebase-appcheck x-ig-www-claim"),
	...kinds("key", "x-honeycomb-team x-jfrog-art-api"),
	...kinds("jwt", "x-goog-iap-jwt-assertion cf-access-jwt-assertion x-amzn-oidc-data dpop"),
	...kinds("credential", "x-forwarded-client-cert"),
]);
/** Last words of headers that mean a secret, besides those of all names. */
const headerWords: ReadonlyMap<string, SecretKind> = new Map([
	...kinds("key", "key"),
	...kinds("credential", "auth authentication bearer cookie ticket"),
]);
/** In front of `key` in the name of a header, these words mean that it is not a secret. */
const harmlessKeys = words(
	"idempotency websocket surrogate cache public sort partition routing primary foreign object group shard",
);
/** Headers with a scheme or with cookies, which are not redacted as a whole. */
const structuredHeaders = /^(?:cookie|set-cookie|(?:proxy-|x-(?:.*-)?)?authorization)$/;

const nameKinds = new RecentMap<string, SecretKind | "">(4096);
const headerKinds = new RecentMap<string, SecretKind | "">(1024);
/** In policies of AWS, the name of a statement's id. */
const STATEMENT_ID = "Sid";
/** Longer texts are not names. */
export const NAME_LIMIT = 200;

/** The kind of secret that a value with this name is; null: the name does not mean a secret. */
export function secretKind(name: string): SecretKind | null {
	return remembered(nameKinds, name, (name) => (name === STATEMENT_ID ? null : kindOfWords(wordsOf(name))));
}

/**
 * The kind of secret that the whole value of a header is; null: none, or only a part, as in `authorization` and cookies.
 */
export function headerKind(name: string): SecretKind | null {
	return remembered(headerKinds, name, (given) => {
		const name = given.toLowerCase();
		if (structuredHeaders.test(name)) return null;
		const words = wordsOf(name);
		const [last = "", before = ""] = words.slice(-2).reverse();
		if (last === "key" && harmlessKeys.has(before)) return null;
		return headers.get(name) ?? headerWords.get(last) ?? kindOfWords(words);
	});
}

/** Whether a name means a secret only beside `state`, `grant_type` or `client_id`. */
export function isGrantName(name: string): boolean {
	return name === "code" || name === "nonce";
}

/**
 * A function that tells the kinds of values that stand beside one another: in one query or form.
 * @param names returns the names of all of them
 */
export function secretKindsOf(names: () => Iterable<string>): (name: string) => SecretKind | null {
	let isGrant: boolean | null = null;
	return (name) => {
		if (!isGrantName(name)) return secretKind(name);
		isGrant ??= hasGrant(names());
		return isGrant ? (name as "code" | "nonce") : secretKind(name);
	};
}

function hasGrant(names: Iterable<string>): boolean {
	for (const name of names) if (name === "state" || name === "grant_type" || name === "client_id") return true;
	return false;
}

/** Whether the value of a cookie is a setting rather than a credential: `dark`, `12`, `en-GB`. */
export function isHarmlessCookie(value: string): boolean {
	return /^(?:[a-z-]{0,12}|\d{1,4}|[a-z]{2}[-_][A-Za-z]{2,4})$/.test(value);
}

/**
 * Whether a value is never a secret, under any name: empty, a boolean, null, or a number of fewer than 15 digits.
 * Passwords and one-time codes can be numbers.
 */
export function isPlainValue(value: string, kind: SecretKind | null = null): boolean {
	if (kind === "opaque") return !isOpaque(value);
	if (/^\s*(?:true|false|null|undefined)?\s*$/i.test(value)) return true;
	if (kind === "password" || kind === "otp") return false;
	return /^\s*[-+]?(?:\d[.,]?){1,14}\s*$/.test(value);
}

/** Whether a value looks random: 16 or more letters and digits that are no UUID. */
function isOpaque(value: string): boolean {
	return /^(?=.*\d)(?=.*[A-Za-z])[\w.~+=%|-]{16,}$/.test(value) && !UUID.test(value) && entropy(value) >= 3;
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** The kind of a value in a list or object of secrets, such as `apiKeys`, whatever its own name is. */
export function memberKind(container: string): SecretKind | null {
	return /^(?:(?:api|access|auth|refresh|secret|private)[_-]?)?(?:keys|tokens)$|^(?:secrets|credentials)$/i.test(
		container,
	)
		? "opaque"
		: null;
}

/** The words of a name in lower case. They end at `_ - . [ ] :`, spaces and camel humps, and lose digits at the end. */
export function wordsOf(name: string): string[] {
	const parts = name
		.replace(/([a-z\d])([A-Z])/g, "$1 $2")
		.replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
		.toLowerCase()
		.split(/[^a-z\d]+/);
	return parts.map((word) => word.replace(/^\d+|\d+$/g, "")).filter((word) => word !== "");
}

function kindOfWords(all: readonly string[]): SecretKind | null {
	const end = all.findLastIndex((word, at) => at === 0 || !trailingWords.has(word)) + 1;
	const [before = "", last = ""] = [all[end - 2], all[end - 1] ?? ""];
	if (last === "token" && harmlessTokens.has(before)) return null;
	if (last === "token" && before === "request" && all[end - 3] === "client") return null;
	if (last === "crumb" && before === "bread") return null;
	if (last === "signature" && harmlessSignatures.has(before)) return null;
	if (last === "sid" && before !== "" && !sidWords.has(before)) return null;
	const pair = lastPairs.get(`${before} ${last}`);
	if (pair !== undefined) return pair;
	const kind = lastWords.get(last) ?? qualifiedKind(before, last) ?? suffixKind(last) ?? csrfKind(all);
	return kind === "token" && /^[cx]srf/.test(before) ? "csrf" : kind;
}

/** The kind of `key` and `pass` by the word before them, which may stand in the same word. */
function qualifiedKind(before: string, last: string): SecretKind | null {
	if (last === "key" || last === "keys") return keyWords.has(before) ? "key" : null;
	if (last === "pass") return before === "" || passWords.has(before) ? "password" : null;
	if (last.endsWith("key")) return keyWords.has(last.slice(0, -3)) ? "key" : null;
	if (last.endsWith("pass")) return passWords.has(last.slice(0, -4)) ? "password" : null;
	return last.startsWith("aspsessionid") ? "session" : null;
}

/** The kind of names such as `anti-csrftoken-a2z`, unless they name a parameter or a setting. */
function csrfKind(words: readonly string[]): SecretKind | null {
	const isSetting = /^(?:param|parameter|name|header|cookie|enabled|disabled|failed|error|url|path|field|key)$/.test(
		words.at(-1) ?? "",
	);
	return !isSetting && words.some((word) => /^[cx]srf/.test(word)) ? "csrf" : null;
}

function suffixKind(word: string): SecretKind | null {
	const suffix = suffixes.find((suffix) => word.endsWith(suffix));
	return suffix === undefined || harmlessWords.has(word) ? null : (lastWords.get(suffix) ?? null);
}

/** Calls `find` for names that are not in the map; for a name beyond the limit, null without a call. */
function remembered(
	map: RecentMap<string, SecretKind | "">,
	name: string,
	find: (name: string) => SecretKind | null,
): SecretKind | null {
	if (name.length > NAME_LIMIT) return null;
	let kind = map.get(name);
	if (kind === undefined) {
		kind = find(name) ?? "";
		// a copy: V8 keeps a whole body in memory as long as a part of its text is in use
		map.set(Buffer.from(name).toString(), kind);
	}
	return kind === "" ? null : kind;
}

function words(text: string): ReadonlySet<string> {
	return new Set(text.split(" "));
}

function kinds(kind: SecretKind, text: string): [string, SecretKind][] {
	return text.split(text.includes(",") ? "," : " ").map((word) => [word, kind]);
}
