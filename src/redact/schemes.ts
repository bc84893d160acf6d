// Credentials and signatures in headers and queries, scheme by scheme: what is secret, and what stays readable.
import type { ByteString } from "../flow/bytes.ts";
import { hasControlCharacters } from "./control-characters.ts";

/** Returns the replacement of a secret, or the secret itself. */
export type Replace = (value: ByteString, kind: string, rule: string, isHex?: boolean) => ByteString;

/** `name=value` or `name="value"` in a list of parameters. */
const PARAMETER = /([A-Za-z][\w-]*)(\s*=\s*)(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]+))/g;

/** The secret parameters of schemes with parameters, by scheme in lower case. */
const PARAMETERS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
	Object.entries({
		digest: new Set(["response", "cnonce", "nonce"]),
		"aws4-hmac-sha256": new Set(["credential", "signature"]),
		"aws4-ecdsa-p256-sha256": new Set(["credential", "signature"]),
		oauth: new Set(["oauth_token", "oauth_signature", "oauth_nonce", "oauth_verifier"]),
		signature: new Set(["signature"]),
		hawk: new Set(["mac", "nonce", "ext"]),
		"scram-sha-1": new Set(["data"]),
		"scram-sha-256": new Set(["data"]),
		googlelogin: new Set(["auth"]),
		token: new Set(["token"]),
	}),
);

/** Header fields whose value is a MAC behind the name of its algorithm, or among parameters that are not secret. */
const MACS = /^(?:x-hub-signature(?:-256)?|stripe-signature|x-slack-signature|signature|x-signature.*|x-.*-signature)$/;

/** `sha256=…`, `v1=…`, `v0=…`, `sig1=:…:` */
const MAC = /(^|[,;\s])((?:sha\d+|v\d+[a-z]?|sig\w*|signature|hmac)\s*=\s*:?"?)([\w+/=-]{16,})/gi;

/** Whether a field has a signature in which other parts stay, such as the time in `stripe-signature`. */
export function isMacField(name: string): boolean {
	return MACS.test(name);
}

/** Replaces the MACs of a field for which `isMacField` is true; a value of another form is one MAC. */
export function redactMac(value: ByteString, replace: Replace): ByteString {
	let isFound = false;
	const replaced = value.replace(MAC, (_whole, before: string, name: string, mac: string) => {
		isFound = true;
		return before + name + replace(mac, "signature", "header.signature", isHex(mac));
	});
	return isFound ? replaced : replace(value, "signature", "header.signature", isHex(value));
}

/**
 * Replaces the secrets of an Authorization, Proxy-Authorization or similar field. The scheme stays.
 * @param hidesUser whether names of users are replaced too
 */
export function redactAuthorization(value: ByteString, replace: Replace, hidesUser = false): ByteString {
	const match = /^(\s*)([^\s=,]+)(\s+)([\s\S]*?)(\s*)$/.exec(value);
	if (match === null) return value.trim() === "" ? value : replace(value, "credential", "header.authorization");
	const [, lead, scheme = "", gap, rest = "", end] = match;
	return `${lead}${scheme}${gap}${redactCredentials(scheme, rest, replace, hidesUser)}${end}`;
}

/** Replaces the token of Negotiate and NTLM in a WWW-Authenticate or Proxy-Authenticate field. */
export function redactChallenge(value: ByteString, replace: Replace): ByteString {
	const [, scheme, token] = /^(\s*(?:negotiate|ntlm)\s+)([\w+/=-]+)\s*$/i.exec(value) ?? [];
	return scheme === undefined || token === undefined ? value : scheme + replace(token, "token", "header.authenticate");
}

function redactCredentials(scheme: string, rest: ByteString, replace: Replace, hidesUser: boolean): ByteString {
	const name = scheme.toLowerCase();
	if (name === "basic") return redactBasic(rest, replace, hidesUser) ?? replace(rest, "basic", "header.authorization");
	const secrets = PARAMETERS.get(name);
	if (secrets !== undefined) {
		let isFound = false;
		const replaced = rest.replace(
			PARAMETER,
			(whole, parameter: string, equals: string, quoted?: string, bare?: string) => {
				const name = parameter.toLowerCase();
				const text = quoted ?? bare ?? "";
				const quote = quoted === undefined ? "" : '"';
				if (hidesUser && name === "username")
					return `${parameter}${equals}${quote}${replace(text, "user", "user")}${quote}`;
				if (!secrets.has(name)) return whole;
				isFound = true;
				return `${parameter}${equals}${quote}${redactParameter(parameter, text, replace)}${quote}`;
			},
		);
		if (isFound) return replaced;
	}
	return replace(rest, /^[a-z]{2,12}$/.test(name) ? name : "credential", "header.authorization");
}

/** A credential scope of AWS keeps all but the access key id. */
function redactParameter(name: string, value: ByteString, replace: Replace): ByteString {
	if (name.toLowerCase() === "credential") {
		const slash = value.search(/\/|%2f/i);
		const id = slash < 0 ? value : value.slice(0, slash);
		return replace(id, "key", "signature.aws") + value.slice(id.length);
	}
	return replace(value, "signature", "header.authorization", isHex(value));
}

/** `user:password` in base64, the password replaced; null: it is another text. */
function redactBasic(coded: ByteString, replace: Replace, hidesUser = false): ByteString | null {
	const text = basicText(coded);
	if (text === null) return null;
	const colon = text.indexOf(":");
	const [user, password] = [text.slice(0, colon), text.slice(colon + 1)];
	const shown = hidesUser ? replace(user, "user", "user") : user;
	const replaced = `${shown}:${password === "" ? "" : replace(password, "password", "header.authorization")}`;
	return replaced === text ? coded : Buffer.from(replaced, "latin1").toString("base64");
}

/** The text of Basic credentials; null: not base64 of printable text with a colon. */
export function basicText(coded: ByteString): ByteString | null {
	if (!/^[A-Za-z0-9+/_-]{2,}={0,2}$/.test(coded)) return null;
	const text = Buffer.from(coded, "base64").latin1Slice();
	return text.includes(":") && !hasControlCharacters(text) ? text : null;
}

/** The secret parameters of signed URLs, in lower case, with the kind and the rule. */
const SIGNED: ReadonlyMap<string, readonly [kind: string, rule: string]> = new Map(
	Object.entries({
		"x-amz-signature": ["signature", "signature.aws"],
		"x-amz-credential": ["key", "signature.aws"],
		"x-amz-security-token": ["token", "signature.aws"],
		"x-goog-signature": ["signature", "signature.google"],
		awsaccesskeyid: ["key", "signature.aws"],
		signature: ["signature", "signature.url"],
		sig: ["signature", "signature.url"],
		oauth_token: ["token", "signature.oauth"],
		oauth_signature: ["signature", "signature.oauth"],
		oauth_nonce: ["signature", "signature.oauth"],
	} as const),
);

/** The replacement of a parameter of a signed URL; null: it is another parameter. */
export function redactSigned(name: string, value: ByteString, replace: Replace): ByteString | null {
	const lower = name.toLowerCase();
	const found = SIGNED.get(lower);
	if (found === undefined || value === "") return null;
	if (lower.endsWith("credential")) return redactParameter("credential", value, (id) => replace(id, ...found));
	return replace(value, found[0], found[1], isHex(value));
}

function isHex(value: ByteString): boolean {
	return value.length >= 16 && /^(?:[0-9a-f]+|[0-9A-F]+)$/.test(value);
}
