// A secret found in a flow: its value, its kind, and the rule and place by which it was found.
import type { ByteString } from "../flow/bytes.ts";
import type { Confidence } from "./span.ts";

export interface Secret {
	/** Decoded: without escapes, quotes or codings. */
	readonly value: ByteString;
	/** A lower-case word such as `password` or `token`; it becomes part of the placeholder. */
	readonly kind: string;
	/** Name of the rule that found it. */
	readonly rule: string;
	readonly confidence: Confidence;
	/** Such as `request header authorization` or `response body $.access_token`. */
	readonly place: string;
	/** Whether a replacement may consist only of hexadecimal digits. */
	readonly isHex?: boolean;
}

/** Called for each secret. Returns its replacement, or the value itself to leave it as it is. */
export type SecretHandler = (secret: Secret) => ByteString;
