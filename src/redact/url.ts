// Secrets in URLs, queries and URL-encoded forms: user information, path segments, parameters, fragments.
import type { ByteString } from "../flow/bytes.ts";
import { type SecretKind, secretKind, secretKindsOf } from "./names.ts";
import { partsBetween, replaceParts } from "./parts.ts";
import type { PlaceKind, Redaction } from "./redaction.ts";
import { redactSigned } from "./schemes.ts";

/** The next segment of a path is a secret if it is opaque. */
const BEFORE_SECRET =
	/^(?:token|reset-?password|password-?reset|verify(?:-?email)?|invite|invitation|magic(?:-?link)?|share|webhooks?|webhookb2|incomingwebhook|hooks?|services|confirm|confirmation|activate|activation|unsubscribe|auth|sessions?|api-?keys?)$/i;

/** A quick check for `BEFORE_SECRET`. */
const MAY_HAVE_SECRET =
	/token|password|verify|invit|magic|share|hook|services|confirm|activat|unsubscribe|auth|session|api-?key|private-|\(s\(/i;

/** The id of a workspace or channel, in web-hook URLs before the secret. */
const HOOK_ID = /^[A-Z][A-Z\d]{7,11}$/;

/** Sessions of ASP.NET without cookies, and addresses of private calendars. */
const IN_SEGMENT = /^(\(S\(|private-)([a-z\d]{24}|[\da-f]{32})(\)\)|)$/i;

/** Letters and digits, or long and mixed: not a word, a number or a UUID. */
const OPAQUE = /^(?=.*\d)(?=.*[A-Za-z])[\w.~-]{12,}$|^(?=.*[a-z])(?=.*[A-Z])[\w.~-]{20,}$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const USER_INFO = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#@]*)@/i;

/**
 * Redacts an absolute or relative URL.
 * @param isSearched whether the text around it is searched for formats and known secrets
 */
export function redactUrl(url: ByteString, redaction: Redaction, depth = 0, isSearched = false): ByteString {
	const [, scheme, userInfo] = (url.includes("@") ? USER_INFO.exec(url) : null) ?? [];
	if (scheme !== undefined && userInfo !== undefined) {
		const rest = redactPath(url.slice(scheme.length + userInfo.length), redaction, depth, isSearched);
		return scheme + redactUserInfo(userInfo, redaction) + rest;
	}
	return redactPath(url, redaction, depth, isSearched);
}

/** The password; a user alone is a secret if it is opaque, as the keys of some services. */
function redactUserInfo(userInfo: ByteString, redaction: Redaction): ByteString {
	const colon = userInfo.indexOf(":");
	const from = colon < 0 || colon === userInfo.length - 1 ? 0 : colon + 1;
	const value = colon === userInfo.length - 1 ? userInfo.slice(0, -1) : userInfo.slice(from);
	if (from === 0 && !OPAQUE.test(value)) return userInfo;
	const decoded = percentBytes(value);
	const replaced = redaction.secret(decoded, "password", "url.userinfo", "path", "user information");
	return replaced === decoded ? userInfo : userInfo.slice(0, from) + replaced + userInfo.slice(from + value.length);
}

/** Redacts a path with query and fragment. `isSearched`: as for `redactUrl`. */
export function redactPath(path: ByteString, redaction: Redaction, depth = 0, isSearched = false): ByteString {
	const mark = path.search(/[?#]/);
	const before = mark < 0 ? path : path.slice(0, mark);
	const segments = redactSegments(before, redaction, isSearched);
	if (mark < 0) return segments;
	const hash = path.indexOf("#", mark);
	const query = path.slice(mark + 1, hash < 0 ? path.length : hash);
	const fragment = hash < 0 ? "" : path.slice(hash + 1);
	const pairs = (text: ByteString) => redactPairs(text, redaction, "query", depth, isSearched);
	let redacted = segments;
	if (path[mark] === "?") redacted += `?${pairs(query)}`;
	// OAuth's implicit flow gives its token in the fragment
	if (hash >= 0) redacted += `#${fragment.includes("=") ? pairs(fragment) : fragment}`;
	return redacted;
}

/** Parameters of segments, such as `;jsessionid=…`. */
function redactParameters(path: ByteString, redaction: Redaction): ByteString {
	if (!path.includes(";")) return path;
	return path.replace(/;([\w.-]{1,100})=([^;/]+)/g, (whole, name: string, value: ByteString) => {
		const kind = secretKind(name);
		const decoded = percentBytes(value);
		const replaced = kind === null ? null : redaction.named(decoded, kind, "path", name);
		return replaced === null || replaced === decoded ? whole : `;${name}=${replaced}`;
	});
}

function redactSegments(path: ByteString, redaction: Redaction, isSearched: boolean): ByteString {
	if (path.length < 8) return path;
	const formats = redactParameters(isSearched ? path : redaction.text(path, "path", "path"), redaction);
	if (!MAY_HAVE_SECRET.test(formats)) return formats;
	let isNext = false;
	return formats.replace(/[^/]+/g, (segment) => {
		const isHookId = HOOK_ID.test(segment);
		const isSecret = isNext && OPAQUE.test(segment) && !UUID.test(segment) && !isHookId;
		// an opaque segment of a web-hook URL is followed by others
		isNext = BEFORE_SECRET.test(segment) || isSecret || (isNext && isHookId);
		const [, before, inside, after] = IN_SEGMENT.exec(segment) ?? [];
		if (inside !== undefined)
			return `${before}${redaction.secret(inside, "session", "url.segment", "path", "path")}${after}`;
		return isSecret ? redaction.secret(segment, "token", "url.segment", "path", "path") : segment;
	});
}

/** Redacts a query or URL-encoded form. `isSearched`: as for `redactUrl`. */
export function redactPairs(
	query: ByteString,
	redaction: Redaction,
	place: PlaceKind,
	depth = 0,
	isSearched = false,
): ByteString {
	if (query.length < 3) return query;
	const kindOf = secretKindsOf(() => namesIn(query));
	const redacted = replaceParts(query, "&", (part) => {
		const equals = part.indexOf("=");
		if (equals < 0 || equals === part.length - 1) return part;
		const name = percentBytes(part.slice(0, equals));
		const raw = part.slice(equals + 1);
		const value = percentBytes(raw.includes("+") ? raw.replaceAll("+", " ") : raw);
		const replaced = redactPair(name, value, kindOf(name), redaction, place, depth, isSearched && value === raw);
		return replaced === value ? part : part.slice(0, equals + 1) + percentEncode(replaced);
	});
	return isSearched ? redacted : redaction.known.replace(redacted);
}

function* namesIn(query: ByteString): Generator<string> {
	for (const part of partsBetween(query, "&")) {
		const equals = part.indexOf("=");
		yield percentBytes(equals < 0 ? part : part.slice(0, equals));
	}
}

function redactPair(
	name: string,
	value: ByteString,
	kind: SecretKind | null,
	redaction: Redaction,
	place: PlaceKind,
	depth: number,
	isSearched: boolean,
): ByteString {
	const { rules } = redaction;
	if (rules.params?.(name)) return redaction.secret(value, "param", "own.param", place, name);
	const signed = redactSigned(name, value, redaction.replacer(place, name));
	if (signed !== null) return signed;
	const meant = kind ?? (name === "key" ? "opaque" : null);
	const named = meant === null ? null : redaction.named(value, meant, place, name);
	return (
		named ??
		redaction.personal(value, name, place) ??
		redaction.nested(value, redaction, place, name, depth, isSearched)
	);
}

/** Percent-encodes the same characters as `encodeURIComponent`. */
export function percentEncode(value: ByteString): ByteString {
	return value.replace(/[^\w.~!*'()-]/g, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`);
}

/** Decodes `%XX` to bytes; invalid escapes stay. */
export function percentBytes(text: ByteString): ByteString {
	const first = text.indexOf("%");
	if (first < 0) return text;
	const bytes = Buffer.from(text, "latin1");
	let end = first;
	for (let at = first; at < bytes.length; at++, end++) {
		const high = bytes[at] === PERCENT ? digitOf(bytes[at + 1]) : -1;
		const low = high < 0 ? -1 : digitOf(bytes[at + 2]);
		if (low < 0) bytes[end] = bytes[at] as number;
		else {
			bytes[end] = 16 * high + low;
			at += 2;
		}
	}
	return bytes.latin1Slice(0, end);
}

const PERCENT = 0x25;

/** The value of a hexadecimal digit; -1: it is another character. */
function digitOf(code = 0): number {
	if (code >= 0x30 && code <= 0x39) return code - 0x30;
	const letter = code | 0x20;
	return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
