// The parts of a text between delimiters, one at a time: a list of all of them can take many times the memory of the
// text.
import type { ByteString } from "../flow/bytes.ts";

/** The parts in order; a text without a delimiter is one part. */
export function* partsBetween(text: ByteString, delimiter: ByteString): Generator<ByteString> {
	for (let from = 0; ; ) {
		const end = text.indexOf(delimiter, from);
		if (end < 0) {
			yield text.slice(from);
			return;
		}
		yield text.slice(from, end);
		from = end + delimiter.length;
	}
}

/** The text with each part replaced. `replace` also gets the number of the part, from 0. */
export function replaceParts(
	text: ByteString,
	delimiter: ByteString,
	replace: (part: ByteString, number: number) => ByteString,
): ByteString {
	let out: ByteString | null = null;
	let copied = 0;
	let from = 0;
	let number = 0;
	for (const part of partsBetween(text, delimiter)) {
		const replaced = replace(part, number++);
		if (replaced !== part) {
			out = (out ?? "") + text.slice(copied, from) + replaced;
			copied = from + part.length;
		}
		from += part.length + delimiter.length;
	}
	return out === null ? text : out + text.slice(copied);
}
