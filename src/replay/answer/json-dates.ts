// Moves dates in JSON bodies and keeps their notation: ISO 8601, HTTP date, or a number since 1970.
import { formatHttpDate, parseHttpDate } from "../../flow/date.ts";
import { covers, type JsonPath } from "../../json/path.ts";
import { walkJson } from "../../json/walk.ts";

/** Moves the dates at these paths by `seconds`, and changes nothing else; null: the text has no such dates. */
export function moveJsonDates(text: string, paths: readonly JsonPath[], seconds: number): string | null {
	const moved: [from: number, to: number, value: string][] = [];
	const isJson = walkJson(text, (path, from, to) => {
		if (!paths.some((pattern) => covers(pattern, path))) return;
		const isString = text[from] === '"';
		const value = moveDate(isString ? text.slice(from + 1, to - 1) : text.slice(from, to), seconds);
		if (value !== null) moved.push(isString ? [from + 1, to - 1, value] : [from, to, value]);
	});
	if (!isJson || moved.length === 0) return null;
	let [out, at] = ["", 0];
	for (const [from, to, value] of moved) {
		out += text.slice(at, from) + value;
		at = to;
	}
	return out + text.slice(at);
}

/** Moves a date and keeps its notation; null: not a date. */
export function moveDate(text: string, seconds: number): string | null {
	const iso = ISO.exec(text);
	if (iso !== null) return moveIso(iso, seconds);
	if (IMF.test(text)) return formatHttpDate((parseHttpDate(text) ?? Number.NaN) + seconds);
	return moveNumber(text, seconds);
}

const IMF = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;
/** A date, optionally with time, seconds, fraction and zone. */
const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:([T ])(\d\d):(\d\d)(?:(:)(\d\d)(?:([.,])(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?$/;

function moveIso(
	[
		,
		year,
		month,
		day,
		separator,
		hours = "0",
		minutes = "0",
		colon,
		seconds = "0",
		point,
		fraction = "",
		zone,
	]: RegExpExecArray,
	by: number,
): string | null {
	const written = new Date(0);
	// not Date.UTC, which reads the years 0 to 99 as 1900 to 1999
	written.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
	written.setUTCHours(Number(hours), Number(minutes), Number(seconds));
	// the zone is kept; the fraction is moved separately, to keep its digits
	const whole = Math.floor(by);
	const digits = fraction.length;
	const parts = Math.round((Number(`0.${fraction || "0"}`) + (by - whole)) * 10 ** digits);
	const date = new Date(written.getTime() + (whole + Math.floor(parts / 10 ** digits)) * 1000);
	if (!(date.getUTCFullYear() >= 0 && date.getUTCFullYear() <= 9999)) return null;
	const text = date.toISOString();
	if (separator === undefined) return text.slice(0, 10);
	const clock = text.slice(11, colon === undefined ? 16 : 19);
	const rest = point === undefined ? "" : point + String(parts % 10 ** digits).padStart(digits, "0");
	return `${text.slice(0, 10)}${separator}${clock}${rest}${zone ?? ""}`;
}

/** Seconds, milli- or microseconds since 1970, between 2001 and 2096. */
function moveNumber(text: string, seconds: number): string | null {
	const match = /^(\d{10}|\d{13}|\d{16})(?:\.(\d+))?$/.exec(text);
	if (match === null) return null;
	const [, whole = "", fraction] = match;
	const unit = 10 ** (whole.length - 10);
	if (Number(whole) / unit < 1e9 || Number(whole) / unit >= 4e9) return null;
	const moved = Number(whole) + Math.floor(seconds * unit);
	return fraction === undefined ? String(moved) : `${moved}.${fraction}`;
}
