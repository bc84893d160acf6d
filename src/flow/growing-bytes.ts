// Bytes that are appended in pieces. While they grow, they take little more memory than in the end.
import { allocateBytes, type ByteString } from "./bytes.ts";

export class GrowingBytes {
	#bytes: Buffer;
	#length = 0;

	/** @param expected the expected number of bytes */
	constructor(expected: number) {
		this.#bytes = allocateBytes(expected);
	}

	get length(): number {
		return this.#length;
	}

	/** The bytes so far, not copied. */
	get bytes(): Buffer {
		return this.#bytes.subarray(0, this.#length);
	}

	append(piece: Buffer | ByteString): void {
		const end = this.#length + piece.length;
		if (end > this.#bytes.length) {
			const larger = allocateBytes(Math.max(end, Math.ceil(1.5 * this.#bytes.length)));
			this.#bytes.copy(larger, 0, 0, this.#length);
			this.#bytes = larger;
		}
		if (typeof piece === "string") this.#bytes.latin1Write(piece, this.#length);
		else piece.copy(this.#bytes, this.#length);
		this.#length = end;
	}
}
