// Tells text from binary data.
import type { ByteString } from "../flow/bytes.ts";

/** White space and ESC, which texts have; a bit for each code below 32. */
const IN_TEXT = (1 << 9) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 13) | (1 << 27);

/** Whether the first `length` bytes have control characters that texts do not have. */
export function hasControlCharacters(text: ByteString, length = text.length): boolean {
	const end = Math.min(length, text.length);
	for (let at = 0; at < end; at++) {
		const code = text.charCodeAt(at);
		if (code === 0x7f || (code < 32 && ((IN_TEXT >>> code) & 1) === 0)) return true;
	}
	return false;
}
