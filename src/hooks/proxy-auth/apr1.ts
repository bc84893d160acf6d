// Apache's MD5 password hashes, `$apr1$salt$hash`, the default of `htpasswd`.
import { createHash } from "node:crypto";

const MAGIC = "$apr1$";
const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ROUNDS = 1000;
/** The bytes of the digest in each group of four characters, highest first. */
const GROUPS = [
	[0, 6, 12],
	[1, 7, 13],
	[2, 8, 14],
	[3, 9, 15],
	[4, 10, 5],
] as const;

/** The hash of a password. Only the first eight characters of the salt count. */
export function apr1(password: string, salt: string): string {
	const secret = Buffer.from(password);
	const saltBytes = Buffer.from(salt.slice(0, 8), "latin1");
	return `${MAGIC}${saltBytes.latin1Slice()}$${encode(stretch(secret, saltBytes, firstDigest(secret, saltBytes)))}`;
}

function md5(parts: readonly Uint8Array[]): Buffer {
	const hash = createHash("md5");
	for (const part of parts) hash.update(part);
	return hash.digest();
}

function firstDigest(secret: Buffer, saltBytes: Buffer): Buffer {
	const inner = md5([secret, saltBytes, secret]);
	const parts = [secret, Buffer.from(MAGIC), saltBytes];
	for (let left = secret.length; left > 0; left -= 16) parts.push(inner.subarray(0, Math.min(16, left)));
	// For each bit of the length: a zero byte, or the first byte of the password, as in the original implementation.
	for (let bits = secret.length; bits > 0; bits >>= 1) parts.push(bits & 1 ? Buffer.alloc(1) : secret.subarray(0, 1));
	return md5(parts);
}

function stretch(secret: Buffer, saltBytes: Buffer, digest: Buffer): Buffer {
	let last = digest;
	for (let round = 0; round < ROUNDS; round++) {
		const isOdd = round % 2 === 1;
		const parts = [isOdd ? secret : last];
		if (round % 3 !== 0) parts.push(saltBytes);
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

/** Base 64, the lowest six bits first. */
function characters(value: number, count: number): string {
	return Array.from({ length: count }, (_, i) => ALPHABET[(value >> (6 * i)) & 63]).join("");
}
