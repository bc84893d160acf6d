// HTTP dates: parses every form that servers send, writes IMF-fixdate (RFC 9110 section 5.6.7).

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH = "([a-z]{3,9})";
const TIME = "(\\d{1,2})[:.](\\d{2})(?:[:.](\\d{2}))?";
// the zone may follow the time without a space, as in 12:00:00+0200
const ZONE = "(?:\\s*([+-]\\d{4}|[a-z]+))?";
/** The space after the comma is optional, and so is the comma after a short name. */
const WEEKDAY = "(?:[a-z]+,\\s*|(?:mon|tue|wed|thu|fri|sat|sun)\\s+)?";

/** `Tue, 08 Mar 2011 00:20:38 GMT`; also with hyphens, a two-digit year, any zone or none. */
const DAY_FIRST = new RegExp(
	`^${WEEKDAY}(\\d{1,2})(?:\\s+${MONTH}\\s+|-${MONTH}-)(\\d{4}|\\d{2})\\s+${TIME}${ZONE}$`,
	"i",
);
/** asctime: `Tue Mar  8 00:20:38 2011`; also with a zone before the year. */
const MONTH_FIRST = new RegExp(
	`^${WEEKDAY}${MONTH}\\s+(\\d{1,2}),?\\s+${TIME}(?:\\s+([a-z]+|[+-]\\d{4}))?\\s+(\\d{4})$`,
	"i",
);

/** Offset from UTC in hours; other zones count as UTC. */
const ZONES: Readonly<Record<string, number>> = {
	ast: -4,
	adt: -3,
	est: -5,
	edt: -4,
	cst: -6,
	cdt: -5,
	mst: -7,
	mdt: -6,
	pst: -8,
	pdt: -7,
};

const FULL_MONTHS =
	/^(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)$/i;

/**
 * Seconds since 1970; null: not a date with a time. A day or an hour out of range is carried over (`32 Mar` is 1
 * April). Two-digit years are 1969 to 2068.
 */
export function parseHttpDate(text: string): number | null {
	const trimmed = text.trim();
	const first = DAY_FIRST.exec(trimmed);
	if (first !== null) {
		const [, day, month, hyphened, year, hours, minutes, seconds, zone] = first;
		return secondsOf(year, month ?? hyphened, day, hours, minutes, seconds, zone);
	}
	const [, month, day, hours, minutes, seconds, zone, year] = MONTH_FIRST.exec(trimmed) ?? [];
	return secondsOf(year, month, day, hours, minutes, seconds, zone);
}

type Digits = string | undefined;

function secondsOf(
	year: Digits,
	month: string | undefined,
	day: Digits,
	hours: Digits,
	minutes: Digits,
	seconds: Digits,
	zone: string | undefined,
): number | null {
	if (year === undefined || month === undefined || !FULL_MONTHS.test(month)) return null;
	const short = Number(year);
	const full = year.length > 2 ? short : short > 68 ? 1900 + short : 2000 + short;
	const date = new Date(0);
	// not Date.UTC, which reads the years 0 to 99 as 1900 to 1999
	date.setUTCFullYear(full, MONTHS.indexOf(month.slice(0, 3).toLowerCase()), Number(day));
	date.setUTCHours(Number(hours), Number(minutes), Number(seconds ?? 0));
	return date.getTime() / 1000 - offsetOf(zone ?? "");
}

/** Seconds east of UTC. */
function offsetOf(zone: string): number {
	const sign = zone.startsWith("-") ? -1 : 1;
	if (/^[+-]/.test(zone)) return sign * (Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(3)) * 60);
	return (ZONES[zone.toLowerCase()] ?? 0) * 3600;
}

/**
 * Formats seconds since 1970 as IMF-fixdate, rounded down to whole seconds; null: the year does not have four digits.
 */
export function formatHttpDate(seconds: number): string | null {
	const date = new Date(Math.floor(seconds) * 1000);
	const year = date.getUTCFullYear();
	return year >= 0 && year <= 9999 ? date.toUTCString() : null;
}
