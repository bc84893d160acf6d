// Apache's MD5 passwords, `$apr1$salt$hash`, which is what `htpasswd` writes unless told otherwise.
import { createHash } from "node:crypto";

const MAGIC = "$apr1$";
const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ROUNDS = 1000;
/** Which bytes of the digest make a group of four characters, the highest first. */
const GROUPS = [
	[0, 6, 12],
	[1, 7, 13],
	[2, 8, 14],
	[3, 9, 15],
	[4, 10, 5],
] as const;

/** The whole hash of a password with this salt, of which at most eight characters count. */
export function apr1(password: string, salt: string): string {
	const secret = Buffer.from(password);
	const grain = Buffer.from(salt.slice(0, 8), "latin1");
	return `${MAGIC}${grain.latin1Slice()}$${encode(stretch(secret, grain, first(secret, grain)))}`;
}

function md5(parts: readonly Uint8Array[]): Buffer {
	const hash = createHash("md5");
	for (const part of parts) hash.update(part);
	return hash.digest();
}

function first(secret: Buffer, grain: Buffer): Buffer {
	const inner = md5([secret, grain, secret]);
	const parts = [secret, Buffer.from(MAGIC), grain];
	for (let left = secret.length; left > 0; left -= 16) parts.push(inner.subarray(0, Math.min(16, left)));
	// A bit of the length each: a zero byte, or the first byte of the password. That is what the first implementation did.
	for (let bits = secret.length; bits > 0; bits >>= 1) parts.push(bits & 1 ? Buffer.alloc(1) : secret.subarray(0, 1));
	return md5(parts);
}

function stretch(secret: Buffer, grain: Buffer, digest: Buffer): Buffer {
	let last = digest;
	for (let round = 0; round < ROUNDS; round++) {
		const isOdd = round % 2 === 1;
		const parts = [isOdd ? secret : last];
		if (round % 3 !== 0) parts.push(grain);
		if (round % 7 !== 0) parts.push(secret);
		parts.push(isOdd ? last : secret);
		last = md5(parts);
	}
	return last;
}

function encode(digest: Buffer): string {
	const at = (index: number) => digest[index] as number;
	const groups = GROUPS.map(([high, middle, low]) => characters((at(high) << 16) | (at(middle) << 8) | at(low), 4));
	return groups.join("") + characters(at(11), 2);
}

/** The lowest six bits first. */
function characters(value: number, count: number): string {
	return Array.from({ length: count }, (_, i) => ALPHABET[(value >> (6 * i)) & 63]).join("");
}
