// Placeholders in the form of their issuer's tokens, for clients that check the form: prefix, length and alphabet stay.
// Where the issuer has a check sum, it is wrong.
import type { ByteString } from "../flow/bytes.ts";
import { type Issuer, issuers } from "./issuers.ts";

/** How the placeholder is written, depending on the alphabet of the format. */
interface Form {
	/** Begins each placeholder. */
	readonly mark: string;
	/** Written for the hexadecimal digits of the MAC. */
	readonly digits: string;
	/** Follows the MAC; random characters would look like a secret to scanners. */
	readonly fill: string;
	/** Whether characters are a placeholder of this form. */
	readonly pattern: RegExp;
}

/** Fewer digits of the MAC do not tell secrets apart. */
const FEWEST_DIGITS = 10;
const MOST_DIGITS = 16;

/** A check sum of 32 bits in base 36 or 62 never begins with this digit. */
const WRONG_SUM = "9";

const forms: readonly Form[] = [
	form("ftr", "0123456789abcdef", "0"),
	// only hexadecimal digits
	form("667472", "0123456789abcdef", "0"),
	form("FTR", "0123456789ABCDEF", "0"),
	// no digits, or not all of them
	form("ftr", "abcdefghijklmnop", "a"),
	form("FTR", "ABCDEFGHIJKLMNOP", "A"),
];

function form(mark: string, digits: string, fill: string): Form {
	const count = `{${FEWEST_DIGITS},${MOST_DIGITS}}`;
	return { mark, digits, fill, pattern: new RegExp(`^${mark}[${digits}]${count}${fill}*(?:${WRONG_SUM}${fill}*)?$`) };
}

/** A word behind the prefix says what the token is, as in sk-ant-api03- and pat-na1-. It is not a group of a UUID. */
const WORD = /^(?![a-f\d]{8}-)[a-z]{1,10}\d{0,2}(?=[-_.$])/;

/** Which offsets of a token stay besides its anchor, which ends at `end`: first as few as possible. */
const layouts: readonly ((token: ByteString, end: number) => (at: number) => boolean)[] = [
	() => () => false,
	(token, end) => {
		const start = end + (WORD.exec(token.slice(end))?.[0].length ?? 0);
		return (at) => (at >= end && at < start) || !isAlphanumeric(token, at);
	},
	(token) => (at) => !isAlphanumeric(token, at),
];

const MAY_BE_SHAPED = /ftr|FTR|667472/;

/**
 * The placeholder of a token in the form of its issuer; null: the token has no known form, or too few characters.
 * @param mac at least 16 hexadecimal digits
 */
export function issuerShaped(token: ByteString, mac: string): ByteString | null {
	for (const issuer of issuersOf(token))
		for (const free of freeOffsets(token, issuer))
			for (const form of forms) {
				const shaped = written(token, free, form, mac, issuer.sum);
				if (shaped !== null && isTokenOf(issuer, shaped)) return shaped;
			}
	return null;
}

/** Whether a value is a placeholder that `issuerShaped` returned. */
export function isIssuerShaped(value: ByteString): boolean {
	if (!MAY_BE_SHAPED.test(value)) return false;
	return issuersOf(value).some((issuer) =>
		freeOffsets(value, issuer).some((free) => {
			const text = free.map((at) => value[at]).join("");
			return forms.some(({ pattern }) => pattern.test(text));
		}),
	);
}

function issuersOf(token: ByteString): Issuer[] {
	return issuers.filter(
		(issuer) => issuer.anchors.some((anchor) => token.startsWith(anchor, issuer.back)) && isTokenOf(issuer, token),
	);
}

/** Whether a text is a token as a whole. Formats with text around the secret have no form of their own. */
function isTokenOf({ pattern, accepts }: Issuer, text: ByteString): boolean {
	pattern.lastIndex = 0;
	const match = pattern.exec(text);
	return match !== null && match.length === 1 && match[0].length === text.length && accepts(text);
}

/** The offsets that a placeholder may use, for each layout. */
function freeOffsets(token: ByteString, { anchors, back }: Issuer): number[][] {
	const anchor = anchors.find((anchor) => token.startsWith(anchor, back)) ?? "";
	const end = back + anchor.length;
	const offsets = Array.from({ length: token.replace(/=+$/, "").length }, (_, at) => at);
	return layouts.map((layout) => {
		const stays = layout(token, end);
		return offsets.filter((at) => (at < back || at >= end) && !stays(at));
	});
}

/** The token with a placeholder at the free offsets; null: they are too few. */
function written(
	token: ByteString,
	free: readonly number[],
	{ mark, digits, fill }: Form,
	mac: string,
	sum: number,
): ByteString | null {
	const room = free.length - sum - mark.length;
	if (room < FEWEST_DIGITS) return null;
	const coded = [...mac.slice(0, Math.min(room, MOST_DIGITS))].map((digit) => digits[Number.parseInt(digit, 16)]);
	const text = (mark + coded.join("")).padEnd(free.length - sum, fill) + WRONG_SUM.padEnd(sum, fill).slice(0, sum);
	const characters = [...token];
	for (const [i, at] of free.entries()) characters[at] = text[i] as string;
	return characters.join("");
}

function isAlphanumeric(text: ByteString, at: number): boolean {
	return /[A-Za-z\d]/.test(text[at] ?? "");
}
