// How random a text looks.

const counts = new Uint16Array(256);

/** Shannon's entropy of the characters of a text, in bits for each. Characters are taken modulo 256. */
export function entropy(text: string): number {
	counts.fill(0);
	const length = Math.min(text.length, 0xffff);
	for (let at = 0; at < length; at++) (counts[text.charCodeAt(at) & 0xff] as number)++;
	let bits = 0;
	for (const count of counts) if (count > 0) bits -= (count / length) * Math.log2(count / length);
	return bits;
}
