// Finds personal data that can be told by its form: e-mail and IP addresses, phone numbers, and bank accounts and
// cards, whose numbers have check digits.
import { isIP } from "node:net";
import { asBuffer } from "../flow/bytes.ts";
import { disjoint, LIMIT_RULE, type PiiKind, SPAN_LIMIT, type Span } from "./span.ts";

/** Bytes that are searched at a time, and how far a match may go beyond them. */
const PIECE = 65_536;
const OVERLAP = 400;

/** Lengths of IBANs by country. */
const ibanLengths: ReadonlyMap<string, number> = new Map(
	(
		"AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 " +
		"FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 " +
		"LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 " +
		"SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
	)
		.split(" ")
		.map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

interface PiiRule {
	kind: PiiKind;
	/** Global, of bounded length: searching takes linear time. */
	pattern: RegExp;
	/** The length of the finding at the beginning of the match; 0: none. */
	lengthOf(match: string): number;
}

const whole = (accepts: (match: string) => boolean) => (match: string) => (accepts(match) ? match.length : 0);

const rules: readonly PiiRule[] = [
	{
		kind: "email",
		pattern: /(?<![\w.+-])\w[\w.+'-]{0,63}@(?:[a-z\d][a-z\d-]{0,62}\.){1,6}[a-z]{2,24}(?![\w-])/gi,
		// image@2x.png is a file
		lengthOf: whole((match) => !/@\dx\.|\.(?:png|jpe?g|gif|svg|webp|js|css)$/i.test(match)),
	},
	{ kind: "card", pattern: /(?<![\w.+-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\w-])/g, lengthOf: whole(isCard) },
	{ kind: "iban", pattern: /(?<![A-Za-z\d])[A-Z]{2}\d\d(?: ?[A-Z\d]){11,28}/g, lengthOf: ibanLength },
	{
		kind: "phone",
		pattern: /(?<![\w+/=])\+[1-9](?:[ ().-]{0,2}\d){7,14}(?![\w+/=])/g,
		lengthOf: whole((match) => digitsOf(match).length <= 15),
	},
	{
		kind: "ip",
		pattern:
			/(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)|(?<![\w:.])[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}(?![\w:])/gi,
		lengthOf: whole((match) => isIP(match) !== 0 && !/^(?:127\.|0\.0\.0\.0$|::1?$)/.test(match)),
	},
];

/** The personal data in bytes. The spans are sorted and do not overlap; there are at most `SPAN_LIMIT`. */
export function findPii(bytes: Uint8Array): Span[] {
	const buffer = asBuffer(bytes);
	const spans: Span[] = [];
	for (let start = 0; start < bytes.length; start += PIECE) {
		// the characters before a piece decide whether a match may begin there
		const base = Math.max(0, start - 1);
		const text = buffer.toString("latin1", base, start + PIECE + OVERLAP);
		for (const { kind, pattern, lengthOf } of rules)
			for (const match of text.matchAll(pattern)) {
				const from = base + match.index;
				const length = from < start || from >= start + PIECE ? 0 : lengthOf(match[0]);
				if (length > 0) spans.push({ from, to: from + length, kind, rule: kind, confidence: "high" });
			}
		if (spans.length > SPAN_LIMIT) {
			const kept = disjoint(spans).slice(0, SPAN_LIMIT - 1);
			const from = kept.at(-1)?.to ?? 0;
			return [...kept, { from, to: bytes.length, kind: "email", rule: LIMIT_RULE, confidence: "low" }];
		}
	}
	return disjoint(spans);
}

/** Whether a text is a card number of a known scheme with a right check digit (ISO/IEC 7812-1, Luhn). */
export function isCard(text: string): boolean {
	const digits = digitsOf(text);
	if (!/^(?:4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[068]\d{12}|6\d{15})$/.test(digits))
		return false;
	let sum = 0;
	for (const [at, digit] of [...digits].reverse().entries()) {
		const value = Number(digit) * (1 + (at % 2));
		sum += value > 9 ? value - 9 : value;
	}
	return sum % 10 === 0;
}

/** The length of the IBAN with a right check sum (ISO 13616) at the beginning of a text; 0: none. */
export function ibanLength(text: string): number {
	const wanted = ibanLengths.get(text.slice(0, 2)) ?? Number.POSITIVE_INFINITY;
	let length = 0;
	for (let letters = 0; letters < wanted; length++) {
		if (length === text.length) return 0;
		if (text[length] !== " ") letters++;
	}
	if (/^ ?[A-Z\d]/.test(text.slice(length)) && !text.startsWith(" ", length)) return 0;
	const compact = text.slice(0, length).replaceAll(" ", "");
	let remainder = 0;
	for (const letter of compact.slice(4) + compact.slice(0, 4))
		for (const digit of String(Number.parseInt(letter, 36))) remainder = (remainder * 10 + Number(digit)) % 97;
	return remainder === 1 ? length : 0;
}

function digitsOf(text: string): string {
	return text.replace(/\D/g, "");
}
