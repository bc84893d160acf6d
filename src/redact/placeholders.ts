// Placeholders of secrets: `ftr_KIND_MAC_000…`. Equal secrets have equal placeholders, and nobody can compute the secret
// from the placeholder, not even by trying passwords, without the key.
import { createHmac } from "node:crypto";
import type { ByteString } from "../flow/bytes.ts";
import { isIssuerShaped, issuerShaped } from "./issuer-shape.ts";
import type { Span } from "./span.ts";

/** Length of the MAC in a placeholder: 60 bits in base32 (RFC 4648 section 6, lower case). */
const MAC_CHARACTERS = 12;
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

const PLACEHOLDER = /^ftr_[a-z]+_?[a-z2-7]{12}(?:_0*)?$/;
/** "ftr" in hexadecimal digits. */
const HEX_PREFIX = "667472";
const HEX_PLACEHOLDER = new RegExp(`^${HEX_PREFIX}[0-9a-f]{0,16}0*$`);

/** Whether a value is a placeholder. */
export function isPlaceholder(value: ByteString): boolean {
	return PLACEHOLDER.test(value) || HEX_PLACEHOLDER.test(value) || isIssuerShaped(value);
}

const WITHIN = /\bftr_[a-z]+_?[a-z2-7]{12}(?:_0*)?/g;

/** The placeholders in a text. */
export function placeholderSpans(text: ByteString): Span[] {
	return Array.from(text.matchAll(WITHIN), ({ index, 0: whole }) => ({
		from: index,
		to: index + whole.length,
		kind: "secret",
		rule: "placeholder",
		confidence: "high",
	}));
}

/** The form of placeholders. `issuer`: tokens of known formats keep prefix, length and alphabet. */
export type PlaceholderShape = "plain" | "issuer";

export class Placeholders {
	readonly #key: Buffer;
	readonly #shape: PlaceholderShape;

	/** @param key at least 16 random bytes; with the same key, equal secrets have equal placeholders in all tapes */
	constructor(key: Buffer, shape: PlaceholderShape = "plain") {
		this.#key = key;
		this.#shape = shape;
	}

	/**
	 * The placeholder of a secret: as long as the secret, or longer if that is too short for one. Zeros fill it, because
	 * scanners for secrets would take random characters for a secret.
	 */
	of(kind: string, secret: ByteString): ByteString {
		const digest = this.#digest(secret);
		const shaped = this.#shape === "issuer" ? issuerShaped(secret, digest.toString("hex")) : null;
		if (shaped !== null) return shaped;
		const mac = base32(digest);
		const whole = `ftr_${kind}_${mac}`;
		const named = whole.length <= secret.length ? whole : `ftr_${kind[0] ?? "s"}${mac}`;
		return named.length < secret.length ? `${named}_`.padEnd(secret.length, "0") : named;
	}

	/** As `of`, in hexadecimal digits of the secret's length. */
	hex(secret: ByteString): ByteString {
		const digits = this.#digest(secret).toString("hex", 0, 8);
		return (HEX_PREFIX + digits).padEnd(secret.length, "0").slice(0, secret.length);
	}

	/** A fingerprint of a secret for reports: 64 bits in hexadecimal digits. */
	fingerprint(secret: ByteString): string {
		return this.#digest(`fingerprint ${secret}`).toString("hex", 0, 8);
	}

	#digest(text: ByteString): Buffer {
		return createHmac("sha256", this.#key).update(text, "latin1").digest();
	}
}

/** The first characters of a digest in base32. */
function base32(digest: Buffer): string {
	let text = "";
	for (let bit = 0; text.length < MAC_CHARACTERS; bit += 5) {
		const two = ((digest[bit >> 3] as number) << 8) | (digest[(bit >> 3) + 1] as number);
		text += BASE32[(two >> (11 - (bit & 7))) & 31];
	}
	return text;
}
