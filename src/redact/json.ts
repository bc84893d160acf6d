// Secrets in JSON texts: values under names that mean a secret, values of own rules, and coded strings.
import { type ByteString, toByteString, toText } from "../flow/bytes.ts";
import { RecentMap } from "../flow/recent-map.ts";
import { type JsonState, walkJson } from "../json/walk.ts";
import { mayPartBeCoded } from "./coded.ts";
import { detached } from "./detached.ts";
import { isGrantName, isHarmlessCookie, memberKind, NAME_LIMIT, type SecretKind, secretKind } from "./names.ts";
import { personalKind } from "./personal-names.ts";
import {
	applyEdits,
	byStart,
	type Part,
	type PlaceName,
	placeNameOf,
	type Redaction,
	type TextEdit,
} from "./redaction.ts";

/** Members beside which `code` and `nonce` are secret. */
const GRANT = /"(?:state|grant_type|client_id)"\s*:/;

/** The private members of a JSON Web Key, and the member beside which they are secret. */
const KEY_MEMBER = /^(?:d|p|q|dp|dq|qi|k)$/;
const WEB_KEY = /"kty"\s*:/;
/** Members that hold the value of the object in which they are. */
const INNER_VALUE = /^[$#@_]{0,2}(?:value|text|t|secret|plain)$/i;

/** The names of members that hold the name and the value of another one, as in a HAR. */
const NAME_MEMBER = /^(?:name|key)$/i;
const VALUE_MEMBER = /^value$/i;
const COOKIE_FIELD = /^(?:set-?)?cookie$/i;
const COOKIES = /^(?:\w*[_-])?cookies$/i;

/** What the key of a member says about its value. */
interface Meaning {
	readonly kind: SecretKind | null;
	/** Whether it is a secret only beside the members of `GRANT`. */
	readonly isGrant: boolean;
	readonly isName: boolean;
	readonly isValue: boolean;
	/** Whether its value may be the field `Cookie` or `Set-Cookie`. */
	readonly isCookieField: boolean;
	/** Whether it is a secret only beside the member `kty`. */
	readonly isKeyMember: boolean;
	/** Whether it is the value of the object in which it is. */
	readonly isInner: boolean;
	/** The kind of the members of this value; null: by their own keys. */
	readonly memberKind: SecretKind | null;
	/** Whether one of these is true. */
	readonly isRead: boolean;
}

const meanings = new RecentMap<string, Meaning>(4096);

function meaningOf(key: string): Meaning {
	// a longer key means nothing, and would take memory
	if (key.length > NAME_LIMIT) return meaningOf("");
	let meaning = meanings.get(key);
	if (meaning === undefined) {
		const [isName, isValue, isCookieField] = [NAME_MEMBER, VALUE_MEMBER, COOKIE_FIELD].map((one) => one.test(key));
		meaning = {
			kind: secretKind(key),
			isGrant: isGrantName(key),
			isName: isName === true,
			isValue: isValue === true,
			isCookieField: isCookieField === true,
			isKeyMember: KEY_MEMBER.test(key),
			isInner: INNER_VALUE.test(key),
			memberKind: memberKind(key),
			isRead: isName === true || isValue === true || isCookieField === true,
		};
		meanings.set(detached(key), meaning);
	}
	return meaning;
}

/**
 * Redacts a JSON text in UTF-8; null: it is not JSON, or too large.
 * @param state see `walkJson`: the text is only a piece
 */
export function redactJson(
	text: ByteString,
	redaction: Redaction,
	depth: number,
	prefix: PlaceName = "$",
	state: JsonState | null = null,
): ByteString | null {
	const edits: TextEdit[] = [];
	/** The values that are secrets as a whole. */
	const done: Part[] = [];
	let grant: boolean | null = null;
	const hasGrant = () => {
		grant ??= GRANT.test(text);
		return grant;
	};
	/** The last member `name`, and the length of its path. */
	let named = { value: "", depth: -1 };
	/** The last member `value` that came before its `name`. */
	let unnamed: { readonly depth: number; readonly replace: (kind: SecretKind) => void } | null = null;
	const isJson = walkJson(
		text,
		(path, from, to) => {
			const first = text.charCodeAt(from);
			if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
				// another object
				if (path.length < named.depth) named = { value: "", depth: -1 };
				if (unnamed !== null && path.length < unnamed.depth) unnamed = null;
				return;
			}
			const own = redaction.rules.json(path);
			const isString = first === QUOTE;
			// literals: true, false, null
			if (!own && !isString && !isLongNumber(text, from, to)) return;
			const meaning = meaningOf(nameOf(path));
			const coded = isString && mayPartBeCoded(text, from + 1, to - 1);
			const isEscaped = coded === "escaped";
			let kind: SecretKind | null = meaning.isGrant && hasGrant() ? "code" : (meaning.kind ?? outerKind(path, meaning));
			if (kind === null && meaning.isKeyMember && WEB_KEY.test(text)) kind = "opaque";
			// most values
			if (kind === null && coded === false && !own && !meaning.isRead && !redaction.rules.pii) return;
			const raw = isString ? text.slice(from + 1, to - 1) : text.slice(from, to);
			const value = isEscaped ? toByteString(JSON.parse(toText(text.slice(from, to))) as string) : raw;
			const { isName, isValue } = meaning;
			if (isName) named = { value, depth: path.length };
			else if (isValue && named.depth === path.length) kind ??= secretKind(named.value);
			const nameKind = isName && unnamed?.depth === path.length ? secretKind(value) : null;
			if (nameKind !== null) unnamed?.replace(nameKind);
			const place = () =>
				placeNameOf(prefix) + path.map((part) => (/^\w+$/.test(part) ? `.${part}` : `["${part}"]`)).join("");
			let replaced: ByteString | null = null;
			if (own) replaced = redaction.secret(value, "json", "own.json", "json", place);
			else if (kind !== null) replaced = redaction.named(value, kind, "json", place);
			else if (isCookie(path, meaning, value))
				replaced = redaction.secret(value, "cookie", "cookie", "json", place, "medium");
			else if (redaction.rules.pii) replaced = redaction.personal(value, personalName(path), "json", place);
			if (replaced !== null) done.push({ from, to });
			else if (coded !== false) {
				replaced = redaction.nested(value, redaction, "json", place, depth, !isEscaped);
				// the search of the whole text leaves out what is replaced
				if (!isEscaped && replaced !== value) replaced = redaction.text(replaced, "json", place);
			}
			const edit = (text: ByteString) => edits.push({ from, to, text: isString ? quoted(text, raw) : numberLike(raw) });
			if (isValue && kind === null) {
				const where = place();
				unnamed = {
					depth: path.length,
					replace(kind) {
						const late = redaction.named(value, kind, "json", where);
						if (late === null) return;
						// parts of the value may have been replaced
						const earlier = edits.findLastIndex((one) => one.from === from);
						if (earlier >= 0) edits.splice(earlier, 1);
						done.push({ from, to });
						if (late !== value) edit(late);
					},
				};
			}
			if (replaced !== null && replaced !== value) edit(replaced);
		},
		state,
	);
	if (!isJson) return null;
	const found = redaction.textEdits(text, "json", prefix, false, done.sort(byStart));
	const all = [...edits, ...found].sort(byStart);
	return redaction.known.replace(applyEdits(text, all));
}

const [QUOTE, OPEN_ARRAY, OPEN_OBJECT] = [0x22, 0x5b, 0x7b];

/** Whether a value is a cookie: in a list of cookies, as browsers and HARs have them, or a field of a request. */
function isCookie(path: readonly string[], { isCookieField, isValue }: Meaning, value: ByteString): boolean {
	if (isCookieField) return value.includes("=");
	return isValue && path.some((part) => COOKIES.test(part)) && !isHarmlessCookie(value);
}

/** The kind of a value by the object or list in which it is, such as `{"token": {"value": …}}` and `{"apiKeys": […]}`. */
function outerKind(path: readonly string[], { isInner }: Meaning): SecretKind | null {
	const outer = path[path.length - 2];
	if (outer === undefined) return null;
	const { kind, memberKind } = meaningOf(outer);
	return isInner ? (kind ?? memberKind) : memberKind;
}

/** The name of the member that a path leads to; items of a list have the list's. */
export function nameOf(path: readonly string[]): string {
	let last = path.length - 1;
	while (last > 0 && isIndex(path[last] as string)) last--;
	return path[last] ?? "";
}

/** The name that tells whether a value is personal data: in an address, most members are a part of it. */
function personalName(path: readonly string[]): string {
	const key = nameOf(path);
	const isPart = !NO_ADDRESS_PART.test(key) && path.slice(0, -1).some((part) => personalKind(part) === "address");
	return isPart ? "address" : key;
}

/** Members of the object of an address that are not part of the address. */
const NO_ADDRESS_PART = /^(?:id|type|kind|label|.*_id|.*Id|is.*|default|country|country_?code)$/i;

function isIndex(key: string): boolean {
	const first = key.charCodeAt(0);
	return first >= 0x30 && first <= 0x39 && /^\d+$/.test(key);
}

/** Whether a token is a number long enough for a secret. */
function isLongNumber(text: ByteString, from: number, to: number): boolean {
	const first = text.charCodeAt(from);
	if (to - from < 4 || first < 0x30 || first > 0x39) return false;
	return first !== 0x31 || !/^10*$/.test(text.slice(from, to));
}

/** A JSON string; slashes are escaped as in the old text. */
function quoted(value: ByteString, old: ByteString): ByteString {
	const text = JSON.stringify(value);
	return old.includes("\\/") ? text.replaceAll("/", "\\/") : text;
}

/** A number as long as the old one, which says nothing about it: 1000 for 4711. */
function numberLike(old: ByteString): ByteString {
	return "1".padEnd(old.length, "0");
}
