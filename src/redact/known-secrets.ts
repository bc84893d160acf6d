// Finds known secrets in any text, in all their notations. The index is compact and grows with each secret: hashes of
// the notations, and of their beginnings. A notation itself is computed again when its hash is found.
import type { ByteString } from "../flow/bytes.ts";
import { RecentMap } from "../flow/recent-map.ts";
import { detached } from "./detached.ts";
import { NotationIndex } from "./notation-index.ts";
import { type Notation, notationsOf, SKIPPED } from "./notations.ts";

/** Shorter secrets are replaced only at their place. Bytes. */
const SHORTEST = 6;
/** Shorter ones do not count inside of a longer word: `admin` stays in `administrator`. */
const LONG = 12;
/** Longer secrets are replaced only at their place. Bytes. */
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

/** Number of secrets whose notations are kept. */
const RECENT = 512;

/** More than a secret has notations. */
const NOTATIONS = 32;

export class KnownSecrets {
	readonly #secrets = new Map<ByteString, KnownSecret>();
	readonly #searched: KnownSecret[] = [];
	readonly #index = new NotationIndex();
	readonly #notations = new RecentMap<KnownSecret, readonly Notation[]>(RECENT);

	get size(): number {
		return this.#secrets.size;
	}

	/** Length of the longest notation of all secrets. */
	get longest(): number {
		return this.#index.longest;
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
		if (isGiven || isSearched(secret.value)) {
			const number = this.#searched.push(secret) - 1;
			for (const [i, { text }] of notationsOf(secret.value).entries()) this.#index.add(text, number * NOTATIONS + i);
		}
		return secret;
	}

	/** The hits in a text, in order; they do not overlap. */
	find(text: ByteString): KnownHit[] {
		const hits: KnownHit[] = [];
		this.#each(text, (hit) => hits.push(hit));
		return hits;
	}

	#each(text: ByteString, onHit: (hit: KnownHit) => void): void {
		if (this.#searched.length === 0 || text.length < SHORTEST) return;
		this.#index.find(text, (from, length, id) => {
			const hit = this.#hit(text, from, length, id);
			if (hit !== null) onHit(hit);
			return hit !== null;
		});
	}

	#hit(text: ByteString, from: number, length: number, id: number): KnownHit | null {
		const secret = this.#searched[Math.floor(id / NOTATIONS)] as KnownSecret;
		const notation = this.#notationsOf(secret)[id % NOTATIONS] as Notation;
		if (notation.text.length !== length || !text.startsWith(notation.text, from)) return null;
		const to = from + length;
		const isInWord = notation.alignment === undefined && (continuesWord(text, from) || isWord(text, to));
		return isInWord && secret.value.length < LONG ? null : { from, to, secret, notation };
	}

	#notationsOf(secret: KnownSecret): readonly Notation[] {
		let notations = this.#notations.get(secret);
		if (notations === undefined) {
			notations = notationsOf(secret.value);
			this.#notations.set(secret, notations);
		}
		return notations;
	}

	/** Replaces all hits by their placeholders, in the same notation. Returns the same text if there are none. */
	replace(text: ByteString): ByteString {
		let out: ByteString | null = null;
		let at = 0;
		this.#each(text, (hit) => {
			// a hit in a run of base64 that was written anew
			if (hit.from < at) return;
			const { alignment } = hit.notation;
			const group = hit.from - (alignment === undefined ? 0 : SKIPPED[alignment]);
			const run = alignment === undefined || group < at ? "" : base64Run(text, group);
			out ??= "";
			if (alignment === undefined) {
				out += text.slice(at, hit.from) + hit.notation.encode(hit.secret.placeholder);
				at = hit.to;
			} else if (group + run.length < hit.to) {
				// the beginning of the run is missing
				out += text.slice(at, hit.from) + inPlace(hit);
				at = hit.to;
			} else {
				out += text.slice(at, group) + this.#recode(run, hit.secret, alignment);
				at = group + run.length;
			}
		});
		return out === null ? text : out + text.slice(at);
	}

	/** As `replace`, by as many bytes as the secret has: binary data may hold lengths. */
	replaceInPlace(text: ByteString): ByteString {
		let out: ByteString | null = null;
		let at = 0;
		this.#each(text, (hit) => {
			out = (out ?? "") + text.slice(at, hit.from) + inPlace(hit);
			at = hit.to;
		});
		return out === null ? text : out + text.slice(at);
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

/** The replacement of a hit, of the same length. */
function inPlace({ from, to, secret, notation }: KnownHit): ByteString {
	const length = to - from;
	return notation.encode(secret.placeholder).padEnd(length, "0").slice(0, length);
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
