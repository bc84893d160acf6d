// Secrets in JSON texts: values under names that mean a secret, values of own rules, and coded strings.
import { type ByteString, toByteString, toText } from "../flow/bytes.ts";
import { RecentMap } from "../flow/recent-map.ts";
import { walkJson } from "../json/walk.ts";
import { mayPartBeCoded } from "./coded.ts";
import { detached } from "./detached.ts";
import { isGrantName, type SecretKind, secretKind } from "./names.ts";
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

/** The names of members that hold the name and the value of another one, as in a HAR. */
const NAME_MEMBER = /^(?:name|key)$/i;
const VALUE_MEMBER = /^value$/i;

/** What the key of a member says about its value. */
interface Meaning {
	readonly kind: SecretKind | null;
	/** Whether it is a secret only beside the members of `GRANT`. */
	readonly isGrant: boolean;
	readonly isName: boolean;
	readonly isValue: boolean;
}

const meanings = new RecentMap<string, Meaning>(4096);

function meaningOf(key: string): Meaning {
	let meaning = meanings.get(key);
	if (meaning === undefined) {
		meaning = {
			kind: secretKind(key),
			isGrant: isGrantName(key),
			isName: NAME_MEMBER.test(key),
			isValue: VALUE_MEMBER.test(key),
		};
		meanings.set(detached(key), meaning);
	}
	return meaning;
}

/** Redacts a JSON text in UTF-8; null: it is not JSON, or too large. */
export function redactJson(
	text: ByteString,
	redaction: Redaction,
	depth: number,
	prefix: PlaceName = "$",
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
	const isJson = walkJson(text, (path, from, to) => {
		const first = text.charCodeAt(from);
		if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
			// another object
			if (path.length < named.depth) named = { value: "", depth: -1 };
			return;
		}
		const own = redaction.rules.json(path);
		const isString = first === QUOTE;
		// literals: true, false, null
		if (!own && !isString && !isLongNumber(text, from, to)) return;
		const meaning = meaningOf(nameOf(path));
		const coded = isString && mayPartBeCoded(text, from + 1, to - 1);
		const isEscaped = coded === "escaped";
		let kind: SecretKind | null = meaning.isGrant && hasGrant() ? "code" : meaning.kind;
		// most values
		if (kind === null && coded === false && !own && !meaning.isName && !meaning.isValue) return;
		const raw = isString ? text.slice(from + 1, to - 1) : text.slice(from, to);
		const value = isEscaped ? toByteString(JSON.parse(toText(text.slice(from, to))) as string) : raw;
		if (meaning.isName) named = { value, depth: path.length };
		else if (named.depth === path.length && meaning.isValue) kind ??= secretKind(named.value);
		const place = () =>
			placeNameOf(prefix) + path.map((part) => (/^\w+$/.test(part) ? `.${part}` : `["${part}"]`)).join("");
		let replaced: ByteString | null = null;
		if (own) replaced = redaction.secret(value, "json", "own.json", "json", place);
		else if (kind !== null) replaced = redaction.named(value, kind, "json", place);
		if (replaced !== null) done.push({ from, to });
		else if (coded !== false) replaced = redaction.nested(value, redaction, "json", place, depth, !isEscaped);
		if (replaced === null || replaced === value) return;
		edits.push({ from, to, text: isString ? quoted(replaced, raw) : numberLike(raw) });
	});
	if (!isJson) return null;
	const found = redaction.textEdits(text, "json", prefix, false, done);
	const all = found.length === 0 ? edits : [...edits, ...found].sort(byStart);
	return redaction.known.replace(applyEdits(text, all));
}

const [QUOTE, OPEN_ARRAY, OPEN_OBJECT] = [0x22, 0x5b, 0x7b];

/** The name of the member that a path leads to; items of a list have the list's. */
function nameOf(path: readonly string[]): string {
	let last = path.length - 1;
	while (last > 0 && isIndex(path[last] as string)) last--;
	return path[last] ?? "";
}

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
