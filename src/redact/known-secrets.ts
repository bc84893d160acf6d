// Finds known secrets in any text, in all their notations. The index is a table of the first four bytes of every
// notation, so that a new secret can be added at any time.
import type { ByteString } from "../flow/bytes.ts";
import { detached } from "./detached.ts";
import { type Notation, notationsOf, SKIPPED } from "./notations.ts";

/** Shorter secrets are replaced only at their place. Bytes. */
const SHORTEST = 6;
/** Shorter ones do not count inside of a longer word: `admin` stays in `administrator`. */
const LONG = 12;
/** Longer secrets are searched by their beginning: a notation of every private key would fill the memory. Bytes. */
const LONGEST = 16 * 1024;
/** Number of secrets; the first ones stay. */
const LIMIT = 20_000;

/** Values that stand in many texts: words, and numbers, which in JSON cannot be replaced by text either. */
const WORDS =
	/^(?:\d+|password|passwd|secret|changeme|default|example|undefined|function|anonymous|unknown|private|public|testing|redacted|[a-z]{1,3}\d{0,2}|\W+|(.)\1+)$/i;

export interface KnownSecret {
	readonly value: ByteString;
	readonly kind: string;
	readonly placeholder: ByteString;
}

/** A notation of a known secret in a text: `text.slice(from, to)`. */
export interface KnownHit {
	readonly from: number;
	readonly to: number;
	readonly secret: KnownSecret;
	readonly notation: Notation;
}

interface Entry {
	readonly secret: KnownSecret;
	readonly notation: Notation;
}

/** The notations with the same first four bytes, by their text, and their lengths, longest first. */
interface Bucket {
	readonly entries: Map<ByteString, Entry>;
	lengths: number[];
}

/** The size of the filter, in bits of its index: even with all secrets, most of it is empty. */
const BITS = 20;

export class KnownSecrets {
	readonly #secrets = new Map<ByteString, KnownSecret>();
	readonly #buckets = new Map<number, Bucket>();
	/** A bit for the hash of the first four bytes of every notation. */
	readonly #filter = new Uint8Array(1 << BITS);

	get size(): number {
		return this.#secrets.size;
	}

	get(value: ByteString): KnownSecret | undefined {
		return this.#secrets.get(value);
	}

	/**
	 * Adds a secret. Returns it, or the one that was added before with the same value.
	 * @param isGiven the user named it, so it is searched even if it is short or a word
	 */
	add(found: KnownSecret, isGiven = false): KnownSecret {
		const known = this.#secrets.get(found.value);
		if (known !== undefined) return known;
		if (this.#secrets.size === LIMIT) return found;
		const secret = { ...found, value: detached(found.value) };
		this.#secrets.set(secret.value, secret);
		if (isGiven || isSearched(secret.value))
			for (const notation of notationsOf(secret.value)) this.#index({ secret, notation });
		return secret;
	}

	#index(entry: Entry): void {
		const { text } = entry.notation;
		const start = firstFour(text);
		let bucket = this.#buckets.get(start);
		if (bucket === undefined) {
			bucket = { entries: new Map(), lengths: [] };
			this.#buckets.set(start, bucket);
		}
		if (bucket.entries.has(text)) return;
		bucket.entries.set(text, entry);
		if (!bucket.lengths.includes(text.length)) bucket.lengths = [...bucket.lengths, text.length].sort((a, b) => b - a);
		this.#filter[hash(start)] = 1;
	}

	/** The hits in a text, in order; they do not overlap. */
	find(text: ByteString): KnownHit[] {
		const hits: KnownHit[] = [];
		if (this.#buckets.size === 0 || text.length < SHORTEST) return hits;
		const filter = this.#filter;
		let start = firstFour(text) >>> 8;
		for (let at = 0; at + 4 <= text.length; at++) {
			start = (start << 8) | text.charCodeAt(at + 3) | 0;
			if (filter[hash(start)] === 0) continue;
			const hit = this.#hitAt(text, at, start);
			if (hit === null) continue;
			hits.push(hit);
			at = hit.to - 1;
			start = firstFour(text, hit.to) >>> 8;
		}
		return hits;
	}

	#hitAt(text: ByteString, at: number, start: number): KnownHit | null {
		const bucket = this.#buckets.get(start);
		if (bucket === undefined) return null;
		for (const length of bucket.lengths) {
			const entry = at + length <= text.length ? bucket.entries.get(text.slice(at, at + length)) : undefined;
			if (entry === undefined) continue;
			const to = at + length;
			const isInWord = entry.notation.alignment === undefined && (continuesWord(text, at) || isWord(text, to));
			if (isInWord && entry.secret.value.length < LONG) continue;
			return { from: at, to, ...entry };
		}
		return null;
	}

	/** Replaces all hits by their placeholders, in the same notation. Returns the same text if there are none. */
	replace(text: ByteString): ByteString {
		const hits = this.find(text);
		if (hits.length === 0) return text;
		let out = "";
		let at = 0;
		for (const hit of hits) {
			// a hit in a run of base64 that was written anew
			if (hit.from < at) continue;
			const { alignment } = hit.notation;
			if (alignment === undefined) {
				out += text.slice(at, hit.from) + hit.notation.encode(hit.secret.placeholder);
				at = hit.to;
			} else {
				const group = hit.from - SKIPPED[alignment];
				const run = base64Run(text, group);
				out += text.slice(at, group) + this.#recode(run, hit.secret, alignment);
				at = group + run.length;
			}
		}
		return out + text.slice(at);
	}

	/** As `replace`, by as many bytes as the secret has: binary data may hold lengths. */
	replaceInPlace(text: ByteString): ByteString {
		const hits = this.find(text).filter(({ notation }) => notation.alignment === undefined);
		if (hits.length === 0) return text;
		let out = "";
		let at = 0;
		for (const { from, to, secret, notation } of hits) {
			out +=
				text.slice(at, from) +
				notation
					.encode(secret.placeholder)
					.padEnd(to - from, "0")
					.slice(0, to - from);
			at = to;
		}
		return out + text.slice(at);
	}

	/** Decodes a run of base64, replaces the secret, and all others that stand in it, and encodes it again. */
	#recode(run: ByteString, secret: KnownSecret, alignment: number): ByteString {
		const bytes = Buffer.from(run, "base64").latin1Slice();
		const rest = bytes.slice(alignment + secret.value.length);
		const replaced = bytes.slice(0, alignment) + secret.placeholder + this.replace(rest);
		const coded = Buffer.from(replaced, "latin1").toString(/[-_]/.test(run) ? "base64url" : "base64");
		return run.endsWith("=") ? coded.padEnd(Math.ceil(coded.length / 4) * 4, "=") : coded.replace(/=+$/, "");
	}
}

/** Whether a secret is searched in texts. */
function isSearched(value: ByteString): boolean {
	return value.length >= SHORTEST && value.length <= LONGEST && !WORDS.test(value);
}

/** The run of base64 that begins at an offset. */
function base64Run(text: ByteString, from: number): ByteString {
	const run = /[A-Za-z0-9+/_-]*={0,2}/y;
	run.lastIndex = from;
	return run.exec(text)?.[0] ?? "";
}

/** Whether a letter or digit stands before an offset, and is not the end of an escape such as `%2f` or `\n`. */
function continuesWord(text: ByteString, at: number): boolean {
	return isWord(text, at - 1) && text[at - 3] !== "%" && text[at - 2] !== "\\" && text[at - 6] !== "\\";
}

function isWord(text: ByteString, at: number): boolean {
	const code = text.charCodeAt(at);
	return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

function firstFour(text: ByteString, at = 0): number {
	return (
		(text.charCodeAt(at) << 24) |
		(text.charCodeAt(at + 1) << 16) |
		(text.charCodeAt(at + 2) << 8) |
		text.charCodeAt(at + 3)
	);
}

function hash(four: number): number {
	return Math.imul(four, 0x9e3779b1) >>> (32 - BITS);
}
