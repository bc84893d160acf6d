// The notations in which a known secret may stand in a text: percent-encoded, JSON, HTML, hexadecimal, base64.
import type { ByteString } from "../flow/bytes.ts";

/** A text that stands for a secret, and how to write the placeholder in the same notation. */
export interface Notation {
	readonly text: ByteString;
	readonly encode: (placeholder: ByteString) => ByteString;
	/** For base64: the offset of the secret in its group of three bytes. The whole run must be encoded again. */
	readonly alignment?: 0 | 1 | 2;
}

/** In base64, the first characters of a group that share bits with the bytes before the secret, by alignment. */
export const SKIPPED = [0, 2, 3] as const;

/** Notations that are shorter match too much. Bytes. */
const SHORTEST = 4;

/** The notations of a secret, without duplicates; the plain one first. */
export function notationsOf(secret: ByteString): Notation[] {
	const notations = new Map<ByteString, Notation>();
	const add = (text: ByteString, encode: Notation["encode"], alignment?: Notation["alignment"]) => {
		if (text.length >= SHORTEST && !notations.has(text))
			notations.set(text, alignment === undefined ? { text, encode } : { text, encode, alignment });
	};
	add(secret, asIs);
	// in most secrets, nothing is escaped
	if (!/^[\w.-]*$/.test(secret)) {
		for (const percent of [strict, lowerStrict, form, lowerForm, twice, lowerTwice]) add(percent(secret), asIs);
		for (const escaped of [json, jsonSlash, jsonUnicode, html, htmlNumeric]) add(escaped(secret), asIs);
	}
	add(hex(secret), hex);
	add(hex(secret).toUpperCase(), (placeholder) => hex(placeholder).toUpperCase());
	for (const alignment of [0, 1, 2] as const)
		for (const alphabet of ["base64", "base64url"] as const) {
			const write = (text: ByteString) => aligned(text, alignment, alphabet);
			add(write(secret), write, alignment);
		}
	return [...notations.values()];
}

/** Placeholders consist of letters, digits and `_`, which no notation but hexadecimal and base64 changes. */
function asIs(placeholder: ByteString): ByteString {
	return placeholder;
}

function percent(text: ByteString, escaped: RegExp): ByteString {
	return text.replace(escaped, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`);
}

const lower = (encoded: ByteString) => encoded.replace(/%[0-9A-F]{2}/g, (digits) => digits.toLowerCase());

/** RFC 3986: all but unreserved characters. */
const strict = (text: ByteString) => percent(text, /[^\w.~-]/g);
const lowerStrict = (text: ByteString) => lower(strict(text));
/** As HTML forms: a space is `+`. */
const form = (text: ByteString) => percent(text, /[^\w.* -]/g).replaceAll(" ", "+");
const lowerForm = (text: ByteString) => lower(form(text));
const twice = (text: ByteString) => strict(strict(text));
const lowerTwice = (text: ByteString) => lower(strict(lowerStrict(text)));

/** As in JSON, but bytes beyond ASCII stay: they are UTF-8. */
const json = (text: ByteString) => JSON.stringify(text).slice(1, -1);
const jsonSlash = (text: ByteString) => json(text).replaceAll("/", "\\/");
const jsonUnicode = (text: ByteString) =>
	json(text).replace(/[<>&'+/=]/g, (one) => `\\u00${one.charCodeAt(0).toString(16).padStart(2, "0")}`);

const ENTITIES: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&#39;",
};

const html = (text: ByteString) => text.replace(/[&<>"']/g, (one) => ENTITIES[one] as string);
const htmlNumeric = (text: ByteString) => text.replace(/[&<>"'/+=]/g, (one) => `&#x${one.charCodeAt(0).toString(16)};`);

const hex = (text: ByteString) => Buffer.from(text, "latin1").toString("hex");

/** The characters of base64 that the secret alone determines, if `alignment` bytes of its group stand before it. */
function aligned(secret: ByteString, alignment: 0 | 1 | 2, alphabet: "base64" | "base64url"): ByteString {
	const bytes = Buffer.from("\0".repeat(alignment) + secret, "latin1");
	return bytes.toString(alphabet).slice(SKIPPED[alignment], Math.floor((bytes.length * 8) / 6));
}
