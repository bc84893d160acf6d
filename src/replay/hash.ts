// A fast hash of 64 bits for short strings of bytes. Not for anything that somebody might want to forge.

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** 16 hexadecimal digits over the characters of `text`, each taken as a byte; two lanes in the manner of MurmurHash3. */
export function hash64(text: string): string {
	const { length } = text;
	let a = 0x9e3779b9 ^ length;
	let b = 0x85ebca6b;
	let at = 0;
	for (; at + 4 <= length; at += 4) {
		const word = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 8) | (text.charCodeAt(at + 2) << 16) | (text.charCodeAt(at + 3) << 24);
		a = (Math.imul(turn(a ^ scramble(word, 0xcc9e2d51, 0x1b873593), 13) + b, 5) + 0xe6546b64) | 0;
		b = (Math.imul(turn(b ^ scramble(word, 0x239b961b, 0xab0e9789), 17) + a, 5) + 0x561ccd1b) | 0;
	}
	let rest = 0;
	for (let shift = 0; at < length; at++, shift += 8) rest |= text.charCodeAt(at) << shift;
	a ^= scramble(rest, 0x38b34ae5, 0xa1e38b93);
	b ^= scramble(rest, 0xa1e38b93, 0x239b961b);
	a = (a + b) | 0;
	b = (b + a) | 0;
	a = finish(a);
	b = finish(b);
	return hex((a + b) | 0) + hex((b + a + b) | 0);
}

function turn(word: number, bits: number): number {
	return (word << bits) | (word >>> (32 - bits));
}

function scramble(word: number, first: number, second: number): number {
	return Math.imul(turn(Math.imul(word, first), 15), second);
}

/** Every bit of the input comes to bear on every bit of the output. */
function finish(word: number): number {
	let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
	mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
	return mixed ^ (mixed >>> 16);
}

function hex(word: number): string {
	return `${HEX[word >>> 24]}${HEX[(word >>> 16) & 255]}${HEX[(word >>> 8) & 255]}${HEX[word & 255]}`;
}
