// Finds secrets in bytes of text: by the formats of their issuers, and in free text also by the names before them.
import { asBuffer, type ByteString } from "../flow/bytes.ts";
import { RecentMap } from "../flow/recent-map.ts";
import { Automaton } from "./automaton.ts";
import { entropy } from "./entropy.ts";
import { type Issuer, isMixed, issuers, isTemplate, vendorWords } from "./issuers.ts";
import { type SecretKind, secretKind, wordsOf } from "./names.ts";
import { byteTable, findOpaque } from "./opaque.ts";
import { PEM_BEGIN, PrivateKeys } from "./private-keys.ts";
import { disjoint, LIMIT_RULE, SPAN_LIMIT, type Span } from "./span.ts";

export interface TextOptions {
	/** Also look for `name = value`, as in scripts, HTML and plain text. Default: false. */
	free?: boolean;
	/** Also take every run of 20 or more letters and digits that looks random. Default: false. */
	strict?: boolean;
}

/** Bytes before and after an anchor in which a pattern runs. Longer tokens are followed byte by byte. */
const BEFORE = 200;
const AFTER = 500;
/** How far a name may go before and after its word. */
const NAME_BEFORE = 64;
const NAME_AFTER = 24;
const SPACE = 0x20;

/** Ends of names that mean a secret. The whole name is looked up when a value follows. */
const nameEnds =
	"password passwd pwd passphrase passcode pass secret token key credential creds assertion signature sig hmac " +
	"session sessid sid session_id session-id sessionid csrf xsrf jwt verifier connectionstring connection_string";

/** A text to search, and what may begin or end there. */
interface Anchor {
	readonly text: string;
	readonly meaning: Issuer | "name" | "private key";
}

const names: readonly Anchor[] = nameEnds.split(" ").map((text) => ({ text, meaning: "name" }));
const formats: readonly Anchor[] = [
	{ text: PEM_BEGIN, meaning: "private key" },
	...issuers.flatMap((issuer) => issuer.anchors.flatMap((anchor) => written(anchor, issuer))),
];

/** An anchor in lower and upper case too, if its format ignores the case. */
function written(anchor: string, issuer: Issuer): Anchor[] {
	const capital = anchor.slice(0, 1).toUpperCase() + anchor.slice(1);
	const texts = issuer.pattern.ignoreCase ? [anchor, capital, anchor.toUpperCase()] : [anchor];
	return texts.map((text) => ({ text, meaning: issuer }));
}

/** An automaton, and the anchors that it finds. */
interface Search {
	readonly automaton: Automaton;
	readonly anchors: readonly Anchor[];
}

/** Compiles the automaton on the first call. */
function searchFor(anchors: readonly Anchor[], ignoreCase: boolean): () => Search {
	let search: Search | undefined;
	return () => {
		if (search === undefined) {
			const texts = anchors.map(({ text }) => text);
			search = { automaton: new Automaton(texts, { ignoreCase }), anchors };
		}
		return search;
	};
}

/** The case of formats counts, that of names does not. */
const formatSearch = searchFor(formats, false);
const freeSearch = searchFor([...formats, ...names], true);

const isAlphanumeric = byteTable(/[A-Za-z\d]/);
const isNameByte = byteTable(/[\w$-]/);
const isNameStart = byteTable(/[\w$.[\]-]/);
/** Bytes of tokens and of what is written around their parts. */
const isTokenByte = byteTable(/[\w.~+/=%:$@|-]/);
/** Bytes of tokens that are longer than a window. */
const isLongTokenByte = byteTable(/[\w.~+/=-]/);
/** The end of an escape, behind which a word can begin. */
const escapeEnd = /(?:\\[bfnrt]|\\x[\da-f]{2}|\\u[\da-f]{4}|%[\da-f]{2})$/i;
/** Bytes that can follow a name before its value. */
const isSeparator = byteTable(/[\s"'`\\:=\]>,&|?.+]/);

/**
 * What stands between a name and its value, and the value. Groups: the value within quotes, within quotes that HTML
 * escapes, and without quotes. Operators are those of configuration files, programming languages, JSON, YAML, XML and
 * HTML, and `name="…" value="…"`.
 */
const assignment = new RegExp(
	"[\\\\\"'`\\]]{0,4}(?:&quot;)?(?: string)?[ \\t]{0,8}" +
		"(?:(?:\\|\\||\\?\\?|[?.+]|:{1,3})?=>?|\\\\u003[dD]|::?|>|(?<=[\"'`]),(?=\\s{0,8}[\\\\\"'`])|" +
		",?\\s{0,20}\\\\?[\"']?(?:value|content)\\\\?[\"']?\\s{0,4}[:=])" +
		"\\s{0,20}(?:[|>]-?\\s{1,40})?" +
		"(?:\\\\{0,3}[\"'`]([^\\s\"'`\\\\<>]{8,})|&quot;([^\\s\"'`\\\\<>&]{8,})|([\\w+/=~%!@#^*:.-]{8,}))",
	"dy",
);
/** What follows a value, with and without quotes. */
const quotedEnd = /["'`\\<&]|$/y;
const bareEnd = /[\s;,&"'\\<]|$/y;

/** A name with the word of a vendor; words are separated by spaces. Short ones are whole words. */
const vendor = new RegExp(`\\b(?:${vendorWords.map((word) => (word.length > 4 ? word : `${word}\\b`)).join("|")})`);

/**
 * The secrets in bytes. The spans are sorted and do not overlap; there are at most `SPAN_LIMIT`. Takes linear time
 * whatever the bytes are: patterns only run on a window around an anchor.
 */
export function findInText(bytes: Uint8Array, { free = false, strict = false }: TextOptions = {}): Span[] {
	const { automaton, anchors } = free ? freeSearch() : formatSearch();
	// most texts are short and have no anchor
	let finder = strict ? new Finder(bytes) : undefined;
	automaton.scan(bytes, 0, bytes.length, (index, end) => {
		finder ??= new Finder(bytes);
		return finder.takeAnchor(anchors[index] as Anchor, end, free);
	});
	if (strict) finder?.takeOpaque();
	return finder?.spans() ?? [];
}

/** Whether anything in a text, in which each character is one byte, may be a secret. */
export function hasAnchor(text: ByteString, free: boolean): boolean {
	return (free ? freeSearch() : formatSearch()).automaton.occursIn(text);
}

class Finder {
	readonly #bytes: Buffer;
	readonly #keys: PrivateKeys;
	readonly #spans: Span[] = [];
	/** How many more spans a search may add. */
	#room = SPAN_LIMIT;
	/** All secrets that begin before this offset are found. */
	#searched: number;
	/** The text of `bytes[from, to)`, decoded last. */
	#window = { text: "", from: 0, to: 0 };
	/** The last secret of a known format: what begins in it is a part of it. */
	#format = { from: 0, to: 0 };
	/** The offset of the next byte of each mark. */
	readonly #marks = new Map<number, number>();
	/** The end of the last value behind a name. */
	#valueEnd = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = asBuffer(bytes);
		this.#keys = new PrivateKeys(this.#bytes);
		this.#searched = bytes.length;
	}

	/** Takes what an anchor before `end` stands for, if it is a secret. Returns true if there is no room for more. */
	takeAnchor({ text, meaning }: Anchor, end: number, ignoresCase: boolean): boolean {
		const start = end - text.length;
		if (start >= this.#format.from && start < this.#format.to) return false;
		if (meaning === "name") return start >= this.#valueEnd && this.#takeNamed(end);
		if (ignoresCase && !this.#isAt(start, text)) return false;
		return meaning === "private key" ? this.#takeKey(start) : this.#takeFormat(start, meaning);
	}

	/** Takes all that looks random. */
	takeOpaque(): void {
		this.#room = SPAN_LIMIT;
		findOpaque(this.#bytes, (span) => this.#add(span));
	}

	/** At most `SPAN_LIMIT` spans; the last one stands for all that was not searched. */
	spans(): Span[] {
		const spans = disjoint(this.#spans);
		if (this.#searched === this.#bytes.length && spans.length <= SPAN_LIMIT) return spans;
		const kept = spans.filter(({ from }) => from < this.#searched).slice(0, SPAN_LIMIT - 1);
		const from = kept.at(-1)?.to ?? 0;
		return [...kept, { from, to: this.#bytes.length, kind: "opaque", rule: LIMIT_RULE, confidence: "low" }];
	}

	/** Adds a span. Returns true if there is no room for more. */
	#add(span: Span): boolean {
		this.#spans.push(span);
		if (--this.#room > 0) return false;
		this.#searched = Math.min(this.#searched, span.from);
		return true;
	}

	#takeKey(from: number): boolean {
		const to = this.#keys.endOf(from);
		if (to === 0) return false;
		this.#format = { from, to };
		return this.#add({ from, to, kind: "key", rule: "private-key", confidence: "high" });
	}

	#takeFormat(anchor: number, issuer: Issuer): boolean {
		const { id, kind, pattern, back, isWord, least, mark, isGeneral, accepts } = issuer;
		const from = anchor - back;
		if (from < 0 || (isWord && !this.#isWordStart(from)) || !this.#isRun(from, least)) return false;
		if (mark > 0 && this.#nextMark(mark, from) > from + AFTER) return false;
		const { text, from: base } = this.#windowAt(from);
		pattern.lastIndex = from - base;
		const match = pattern.exec(text);
		if (match === null) return false;
		const [start, end] = match.indices?.[1] ?? [match.index, match.index + match[0].length];
		if (!accepts(text.slice(start, end))) return false;
		const to = this.#tokenEnd(base + end);
		const span: Span = { from: base + start, to, kind, rule: id, confidence: "high" };
		if (!isGeneral) this.#format = span;
		return this.#add(span);
	}

	/** Takes the value behind a name of which the word before `end` is one of `nameEnds`. */
	#takeNamed(end: number): boolean {
		const nameEnd = this.#skip(end, NAME_AFTER, isNameByte);
		if (isSeparator[this.#bytes[nameEnd] ?? 0] === 0) return false;
		const name = nameInText(this.#bytes.latin1Slice(this.#nameStart(end), nameEnd));
		if (name === null) return false;
		const { text, from: base } = this.#windowAt(nameEnd);
		assignment.lastIndex = nameEnd - base;
		const match = assignment.exec(text);
		if (match === null) return false;
		const [quoted, bare] = [match.indices?.[1] ?? match.indices?.[2], match.indices?.[3]];
		const [start, stop] = (quoted ?? bare) as [number, number];
		this.#valueEnd = base + stop;
		const isQuoted = quoted !== undefined;
		const ending = isQuoted ? quotedEnd : bareEnd;
		ending.lastIndex = stop;
		const value = text.slice(start, stop);
		if (!ending.test(text) || !isSecretValue(value, name) || (!isQuoted && isExpression(value))) return false;
		const to = this.#tokenEnd(base + stop);
		return this.#add({ from: base + start, to, kind: name.kind, rule: "named-text", confidence: "medium" });
	}

	/** The beginning of the name, with the word before it if only a space is between: "API key". */
	#nameStart(end: number): number {
		const first = this.#skipBack(end, NAME_BEFORE, isNameStart);
		if (this.#bytes[first - 1] !== SPACE) return first;
		const word = this.#skipBack(first - 1, NAME_AFTER, isAlphanumeric);
		return word === first - 1 ? first : word;
	}

	#skip(from: number, limit: number, table: Uint8Array): number {
		const end = Math.min(from + limit, this.#bytes.length);
		let at = from;
		while (at < end && table[this.#bytes[at] as number] === 1) at++;
		return at;
	}

	#skipBack(from: number, limit: number, table: Uint8Array): number {
		const end = Math.max(from - limit, 0);
		let at = from;
		while (at > end && table[this.#bytes[at - 1] as number] === 1) at--;
		return at;
	}

	/** Whether `least` bytes of a token begin at `from`. */
	#isRun(from: number, least: number): boolean {
		return this.#skip(from, least, isTokenByte) === from + least;
	}

	/** The offset of the next mark; every byte is searched only once. */
	#nextMark(mark: number, from: number): number {
		const known = this.#marks.get(mark) ?? -1;
		if (known >= from) return known;
		const at = this.#bytes.indexOf(mark, from);
		const next = at < 0 ? Number.POSITIVE_INFINITY : at;
		this.#marks.set(mark, next);
		return next;
	}

	/** Whether the bytes at `from` are an anchor, in its case. */
	#isAt(from: number, text: string): boolean {
		for (let i = 0; i < text.length; i++) if (this.#bytes[from + i] !== text.charCodeAt(i)) return false;
		return true;
	}

	/** Whether no letter or digit stands before `at`, or only one that is the end of an escape such as \n or %3D. */
	#isWordStart(at: number): boolean {
		if (isAlphanumeric[this.#bytes[at - 1] ?? 0] === 0) return true;
		return escapeEnd.test(this.#bytes.latin1Slice(Math.max(0, at - 6), at));
	}

	/** The end of a token, which is longer if it was found at the end of the window. */
	#tokenEnd(to: number): number {
		return to < this.#window.to ? to : this.#skip(to, this.#bytes.length, isLongTokenByte);
	}

	/** A window around an offset; it is decoded again only if the last one does not suffice. */
	#windowAt(at: number): { text: string; from: number; to: number } {
		const [from, to] = [Math.max(0, at - BEFORE), Math.min(this.#bytes.length, at + AFTER)];
		if (from < this.#window.from || to > this.#window.to)
			this.#window = { text: this.#bytes.latin1Slice(from, to), from, to };
		return this.#window;
	}
}

/** What a name in text tells about its value. */
interface NameInText {
	readonly kind: SecretKind;
	/** Whether it names a vendor, too. */
	readonly isVendor: boolean;
}

const namesInText = new RecentMap<string, NameInText | "">(4096);

/** null: the name does not mean a secret. `key` also counts behind the name of a vendor. */
function nameInText(name: string): NameInText | null {
	let known = namesInText.get(name);
	if (known === undefined) {
		const words = wordsOf(name);
		const isVendor = vendor.test(words.join(" "));
		const kind = secretKind(name) ?? (isVendor && words.at(-1) === "key" ? "key" : null);
		known = kind === null ? "" : { kind, isVendor };
		namesInText.set(name, known);
	}
	return known === "" ? null : known;
}

/** Whether a value behind a secret's name in free text is a secret. */
function isSecretValue(value: string, { kind, isVendor }: NameInText): boolean {
	if (isTemplate(value) || value.includes("://") || !/\d/.test(value)) return false;
	if (isVendor) return true;
	return value.length >= 16 && isMixed(value) && entropy(value) >= 3.5 && (kind === "password" || !isReadable(value));
}

/** Whether a value is mainly words with humps or signs between them, as identifiers are. Passwords can be such words. */
function isReadable(value: string): boolean {
	if (!/[a-z][A-Z\d][A-Za-z]|[_.:-]/.test(value)) return false;
	const words = value.match(/[A-Z]?[a-z]{2,}/g)?.join("") ?? "";
	return words.length >= 0.75 * value.replace(/[_.:-]/g, "").length;
}

/** Whether a value without quotes rather is an expression of a programming language. */
function isExpression(value: string): boolean {
	if (!/[.:]/.test(value)) return false;
	return !value.split(/[.:]/).some((part) => part.length >= 16 && part.replace(/\D/g, "").length >= 4);
}
