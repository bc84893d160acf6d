// JSON Web Tokens (RFC 7519). A redacted token can still be read: its header, its dates and its issuer stay.
import { type ByteString, toByteString } from "../flow/bytes.ts";

/** Claims and header parameters that are not secret. Other strings are replaced. */
const KEPT = new Set(["alg", "typ", "kid", "iss", "aud", "exp", "nbf", "iat", "scope", "azp", "cty", "enc", "zip"]);

/** Nesting of claims; deeper values are dropped. */
const DEPTH_LIMIT = 20;

const JWT = /^([\w-]+)\.([\w-]+)\.([\w-]*)$/;

/** The start of the signature of a redacted token. */
const REDACTED = "ftr_";

interface ParsedJwt {
	readonly header: object;
	readonly payload: object;
	readonly signature: string;
}

/** The parts of a token; null: it is not a token, or its header or payload cannot be read. */
export function parseJwt(token: ByteString): ParsedJwt | null {
	const match = JWT.exec(token);
	if (match === null) return null;
	const header = parseObject(match[1] as string);
	const payload = header === null ? null : parseObject(match[2] as string);
	return header === null || payload === null ? null : { header, payload, signature: match[3] as string };
}

/** Whether a token was redacted by `redactJwt`. */
export function isRedactedJwt(token: ByteString): boolean {
	return token.includes(`.${REDACTED}`) && parseJwt(token)?.signature.startsWith(REDACTED) === true;
}

/**
 * The token with replaced claims and signature; null: it is not a token.
 * @param replace returns the placeholder of a claim's value
 * @param placeholder the placeholder of the whole token; it replaces the signature
 */
export function redactJwt(
	token: ByteString,
	replace: (value: ByteString) => ByteString,
	placeholder: ByteString,
): ByteString | null {
	const parsed = parseJwt(token);
	if (parsed === null) return null;
	const { header, payload, signature } = parsed;
	const part = (value: object) => Buffer.from(JSON.stringify(redacted(value, replace, 0))).toString("base64url");
	const named = placeholder.replace(/_0*$/, "");
	const end = named.length < signature.length ? `${named}_`.padEnd(signature.length, "0") : named;
	return `${part(header)}.${part(payload)}.${end}`;
}

function parseObject(part: string): object | null {
	try {
		const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
		return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
	} catch {
		return null;
	}
}

function redacted(value: unknown, replace: (value: ByteString) => ByteString, depth: number): unknown {
	if (typeof value === "string") return value === "" ? value : replace(toByteString(value));
	if (typeof value !== "object" || value === null) return value;
	if (depth === DEPTH_LIMIT) return null;
	if (Array.isArray(value)) return value.map((item) => redacted(item, replace, depth + 1));
	return Object.fromEntries(
		Object.entries(value).map(([key, item]) => [key, KEPT.has(key) ? item : redacted(item, replace, depth + 1)]),
	);
}
