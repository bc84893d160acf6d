// Private keys in PEM (RFC 7468), also inside JSON strings, where line ends are written as \n.
import { asBuffer } from "../flow/bytes.ts";

/** Begins every block; a search for this text finds them all. */
export const PEM_BEGIN = "-----BEGIN";
/** A key without an end, or a longer one, ends after this number of bytes. */
const KEY_LIMIT = 8192;
/** The longest label, such as "ENCRYPTED PRIVATE KEY". */
const LABEL_LIMIT = 80;

const label = /^-----BEGIN [A-Z\d ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;
/** A part of a line of base64. Text without it is prose about keys. */
const keyData = /[A-Za-z\d+/]{16}/;

/** Finds the ends of private keys. The offsets of successive calls must not decrease. */
export class PrivateKeys {
	readonly #bytes: Buffer;
	/** The first end at or after the last offset that was asked for; before that offset: unknown. */
	#end = -1;

	constructor(bytes: Uint8Array) {
		this.#bytes = asBuffer(bytes);
	}

	/** The offset after the private key that begins at `from`; 0: none does. */
	endOf(from: number): number {
		const found = label.exec(this.#bytes.toString("latin1", from, from + LABEL_LIMIT));
		if (found === null) return 0;
		const start = from + found[0].length;
		const limit = Math.min(from + KEY_LIMIT, this.#bytes.length);
		// every byte is searched only once, however many keys begin
		if (this.#end < start) {
			const at = this.#bytes.indexOf("-----END", start, "latin1");
			this.#end = at < 0 ? Number.POSITIVE_INFINITY : at;
		}
		if (this.#end >= limit) return this.#bodyEnd(start, limit);
		if (!keyData.test(this.#bytes.toString("latin1", start, this.#end))) return 0;
		const close = /^-----END [A-Z\d ]{0,60}-----/.exec(
			this.#bytes.toString("latin1", this.#end, this.#end + LABEL_LIMIT),
		);
		return this.#end + (close?.[0].length ?? 0);
	}

	/** The end of a key without an end line: of its base64 and line ends. 0: there is none. */
	#bodyEnd(start: number, limit: number): number {
		const body = /^(?:[A-Za-z\d+/=\s]|\\[nr])*/.exec(this.#bytes.toString("latin1", start, limit));
		const data = body?.[0].trimEnd() ?? "";
		return keyData.test(data) ? start + data.length : 0;
	}
}
