// Values as text for people.

/** Characters that change how text is shown or read: controls, and bidirectional formatting. */
const HIDDEN = /[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** Text on one line, in which hidden characters are escapes. */
export function plain(text: string): string {
	return text.replace(HIDDEN, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** The same, but tabs stay: for lines of a body. */
export function plainLine(text: string): string {
	return text.split("\t").map(plain).join("\t");
}

/** Text of several lines; each is plain. */
export function plainText(text: string): string {
	return text.split("\n").map(plain).join("\n");
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** `1.2 kB` */
export function sizeText(bytes: number): string {
	let unit = 0;
	let value = bytes;
	while (value >= 1000 && unit < UNITS.length - 1) {
		value /= 1000;
		unit++;
	}
	return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `340 ms`, `2.1 s` */
export function durationText(seconds: number): string {
	if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
	return seconds < 100 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}

/** The local time of day, with milliseconds. */
export function timeText(seconds: number): string {
	const date = new Date(seconds * 1000);
	if (seconds <= 0 || Number.isNaN(date.getTime())) return "";
	const two = (value: number) => String(value).padStart(2, "0");
	return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** The local date and time. */
export function dateText(seconds: number): string {
	const date = new Date(seconds * 1000);
	return seconds <= 0 || Number.isNaN(date.getTime()) ? "" : `${date.toLocaleDateString()} ${timeText(seconds)}`;
}

/** `1,204` */
export function countText(count: number): string {
	return count.toLocaleString("en");
}

/** The URL of a row, without the port that its scheme implies. */
export function urlText(scheme: string | null, host: string | null, port: number | null, path: string | null): string {
	if (host === null) return path ?? "";
	const named = host.includes(":") ? `[${host}]` : host;
	const isImplied = port === null || (scheme === "https" && port === 443) || (scheme === "http" && port === 80);
	return `${scheme === null ? "" : `${scheme}://`}${named}${isImplied ? "" : `:${port}`}${path ?? ""}`;
}
