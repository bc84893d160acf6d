// Finds every run of characters that looks random, for the strict mode: better too much than too little.
import { asBuffer } from "../flow/bytes.ts";
import { isMixed } from "./issuers.ts";
import type { Span } from "./span.ts";

const LEAST = 20;
/** Longer runs are data, such as images in base64. Their form is not checked. */
const FORM_LIMIT = 512;

/** Bytes of tokens: letters, digits and `+ / = _ - ~`. */
const isTokenByte = byteTable(/[\w+/=~-]/);

const uuid = /^\{?[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\}?$/i;
/** MD5, SHA-1, SHA-224, SHA-256, SHA-384 and SHA-512. */
const digest = /^(?:[\da-f]{32}|[\da-f]{40}|[\da-f]{56}|[\da-f]{64}|[\da-f]{96}|[\da-f]{128})$/i;
const integrity = /^sha(?:1|224|256|384|512)[-=]/;
/** W3C trace context. */
const traceparent = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;
const date = /^\d{4}-?\d\d-?\d\d(?:T[\d-]+Z?)?$/;

/**
 * Calls `onSpan` for each run of 20 or more characters with letters and digits that has no harmless form, until it
 * returns true.
 */
export function findOpaque(bytes: Uint8Array, onSpan: (span: Span) => boolean): void {
	const buffer = asBuffer(bytes);
	let isDone = false;
	const take = (from: number, to: number) => {
		isDone ||= onSpan({ from, to, kind: "opaque", rule: "strict", confidence: "low" });
	};
	for (let from = 0; from < bytes.length && !isDone; from++) {
		if (isTokenByte[bytes[from] as number] === 0) continue;
		let to = from + 1;
		while (to < bytes.length && isTokenByte[bytes[to] as number] !== 0) to++;
		if (to - from >= LEAST && !isDataUri(buffer, from)) takeRun(buffer, from, to, take);
		from = to;
	}
}

function takeRun(bytes: Buffer, from: number, to: number, take: (from: number, to: number) => void): void {
	const text = bytes.latin1Slice(from, to);
	if (text.length > FORM_LIMIT) {
		if (isMixed(text)) take(from, to);
	} else if (/[+=]/.test(text)) {
		// a parameter such as a=b, or base64
		const start = text.lastIndexOf("=", text.length - 3) + 1;
		if (isOpaque(text.slice(start)) && !integrity.test(text)) take(from + start, to);
	} else {
		// a path, or a token with slashes: only the long parts
		for (let at = 0; at < text.length; ) {
			const end = (text.indexOf("/", at) + 1 || text.length + 1) - 1;
			if (isOpaque(text.slice(at, end))) take(from + at, from + end);
			at = end + 1;
		}
	}
}

function isOpaque(text: string): boolean {
	if (text.length < LEAST || !isMixed(text)) return false;
	return ![uuid, digest, integrity, traceparent, date].some((form) => form.test(text));
}

function isDataUri(bytes: Buffer, at: number): boolean {
	return bytes.latin1Slice(Math.max(0, at - 8), at) === ";base64,";
}

/** For each byte, 1 if its character matches. */
export function byteTable(pattern: RegExp): Uint8Array {
	return Uint8Array.from({ length: 256 }, (_, byte) => Number(byte < 128 && pattern.test(String.fromCharCode(byte))));
}
