// Replaces learned values in texts: whole words only, in one pass, the longest value first.
import { type ByteString, toByteString } from "../flow/bytes.ts";

/** Shorter values are too likely to occur by chance. Characters. */
export const MIN_LENGTH = 6;

/** How a kind of text writes a value. */
export type Encoding = (value: ByteString) => ByteString;

const plain: Encoding = (value) => value;

interface Replacement {
	readonly value: string;
	readonly from: ByteString;
	readonly to: ByteString;
	/** Whether `from` ends in a letter or digit, so that no letter or digit may follow. */
	readonly endsInWord: boolean;
}

/** The units of a text: percent-encoded bytes, JSON escapes, words, and other single characters. */
const UNIT = /%[\da-f]{2}|\\u[\da-f]{4}|\\.|[\w\x80-\xff-]+|./gisy;
/** `-` and `_` are part of ids (UUIDs, base64url); bytes from 0x80 on are letters in UTF-8. */
const WORD = /^[\w\x80-\xff-]/;

/** The values with the same first `MIN_LENGTH` characters. */
interface Bucket {
	readonly forms: Map<ByteString, Replacement>;
	/** The lengths of the forms, the longest first. */
	lengths: number[];
}

/** Values and their replacements. */
export class Replacements {
	/** The buckets by the first characters of their values. */
	readonly #starts = new Map<ByteString, Bucket>();

	/** @param value at least `MIN_LENGTH` characters; its percent-encoded form is replaced too */
	set(value: string, by: string): void {
		for (const [from, to] of formsOf(value, by)) {
			const start = from.slice(0, MIN_LENGTH);
			const bucket: Bucket = this.#starts.get(start) ?? { forms: new Map(), lengths: [] };
			this.#starts.set(start, bucket);
			bucket.forms.set(from, { value, from, to, endsInWord: isWord(lastUnit(from)) });
			if (!bucket.lengths.includes(from.length))
				bucket.lengths = [...bucket.lengths, from.length].sort((a, b) => b - a);
		}
	}

	delete(value: string): void {
		for (const [from] of formsOf(value, "")) {
			const start = from.slice(0, MIN_LENGTH);
			const forms = this.#starts.get(start)?.forms;
			if (forms?.get(from)?.value === value) forms.delete(from);
			if (forms?.size === 0) this.#starts.delete(start);
		}
	}

	/**
	 * Returns the text with the values replaced. Replaced text is not searched again.
	 * @param others replaces values that are not among these
	 * @param encode the encoding of values in the text. A new value is encoded, unless encoding would change the recorded
	 * value: the text then has the recorded value unencoded, and the new one is inserted unencoded too.
	 */
	apply(text: ByteString, others: Replacements | null = null, encode: Encoding = plain): ByteString {
		if (this.#starts.size === 0) return others === null ? text : others.apply(text, null, encode);
		let changed = "";
		let copied = 0;
		let isAfterWord = false;
		for (let at = 0; at < text.length; ) {
			const unit = unitAt(text, at);
			const isInWord = isWord(unit);
			const found: Replacement | undefined =
				isAfterWord && isInWord
					? undefined
					: (this.#at(text, at) ?? (others === null ? undefined : others.#at(text, at)));
			isAfterWord = isInWord && found === undefined;
			if (found !== undefined) {
				changed += text.slice(copied, at) + (encode(found.from) === found.from ? encode(found.to) : found.to);
				copied = at + found.from.length;
			}
			at += (found?.from ?? unit).length;
		}
		return changed + text.slice(copied);
	}

	#at(text: ByteString, at: number): Replacement | undefined {
		const bucket = this.#starts.get(text.slice(at, at + MIN_LENGTH));
		for (const length of bucket?.lengths ?? []) {
			const end = at + length;
			const found = bucket?.forms.get(text.slice(at, end));
			if (found !== undefined && !(found.endsInWord && end < text.length && isWord(unitAt(text, end)))) return found;
		}
		return undefined;
	}
}

/** The value, and its percent-encoded form if that differs. */
function formsOf(value: string, by: string): Map<ByteString, ByteString> {
	const [from, to] = [toByteString(value), toByteString(by)];
	return new Map([
		[percentEncoded(from), percentEncoded(to)],
		[from, to],
	]);
}

/** As `encodeURIComponent`, for bytes. */
export function percentEncoded(bytes: ByteString): ByteString {
	return bytes.replace(
		/[^\w\-.!~*'()]/g,
		(byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
	);
}

function unitAt(text: ByteString, at: number): string {
	UNIT.lastIndex = at;
	return UNIT.exec(text)?.[0] ?? "";
}

function lastUnit(text: ByteString): string {
	return text.match(UNIT)?.at(-1) ?? "";
}

/** Whether a unit is a letter or digit, or encodes one. `-` and `_` count as letters. */
function isWord(unit: string): boolean {
	if (unit.length === 6 && unit.startsWith("\\u"))
		return /[\p{L}\p{N}_-]/u.test(String.fromCharCode(Number.parseInt(unit.slice(2), 16)));
	if (unit.length === 3 && unit.startsWith("%"))
		return WORD.test(String.fromCharCode(Number.parseInt(unit.slice(1), 16)));
	return WORD.test(unit);
}
