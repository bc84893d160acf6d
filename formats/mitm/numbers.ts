// Parses numbers with Python's syntax.

const MAX_DIGITS = 4300;
/** Decimal digits that a double represents exactly; `POWERS` has the powers of ten up to there. */
const EXACT_DIGITS = 15;
const POWERS = Array.from({ length: EXACT_DIGITS + 1 }, (_, power) => 10 ** power);

/** An integer of any size; null if invalid. Python allows surrounding spaces, a sign and single underscores. */
export function parseInteger(buffer: Buffer, start: number, stop: number): number | bigint | null {
	const simple = parseDecimal(buffer, start, stop, false);
	if (simple !== null) return simple;
	const text = buffer.latin1Slice(start, stop);
	if (text.length > MAX_DIGITS || !/^\s*[+-]?\d+(_\d+)*\s*$/.test(text)) return null;
	const digits = text.trim().replaceAll("_", "").replace(/^\+/, "");
	const number = Number(digits);
	return Number.isSafeInteger(number) ? number : BigInt(digits);
}

/** A float or an integer; null if invalid. */
export function parseNumber(buffer: Buffer, start: number, stop: number): number | null {
	const simple = parseDecimal(buffer, start, stop, true);
	if (simple !== null) return simple;
	if (stop - start > MAX_DIGITS) return null;
	const text = buffer.latin1Slice(start, stop).trim();
	if (/^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i.test(text))
		return Number(text.replaceAll("_", ""));
	const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
	if (special === null) return null;
	return /^n/i.test(special[2] as string) ? Number.NaN : special[1] === "-" ? -Infinity : Infinity;
}

/**
 * Fast path for timestamps: few digits and at most one point. Dividing two exact doubles rounds only once, so the
 * result is correctly rounded.
 */
function parseDecimal(buffer: Buffer, start: number, stop: number, isPointAllowed: boolean): number | null {
	if (stop - start > EXACT_DIGITS + 1) return null;
	let number = 0;
	let digits = 0;
	let point = -1;
	for (let at = start; at < stop; at++) {
		const byte = buffer[at] as number;
		if (byte === 0x2e && point === -1 && isPointAllowed) point = at;
		else if (byte >= 0x30 && byte <= 0x39) {
			number = number * 10 + byte - 0x30;
			digits++;
		} else return null;
	}
	if (digits === 0 || digits > EXACT_DIGITS) return null;
	return point === -1 ? number : number / (POWERS[stop - point - 1] as number);
}
