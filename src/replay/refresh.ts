// Makes a recorded response look as if it had been sent now: its dates keep their distance to the time of recording.
import type { ByteString } from "../flow/bytes.ts";
import { type DateSpan, findExpiries } from "../flow/cookies.ts";
import { formatHttpDate, parseHttpDate } from "../flow/date.ts";
import type { Response } from "../flow/message.ts";

/** A readable date in a list of header fields. */
export interface HeaderDate extends DateSpan {
	/** Index of the value in `Headers.fields`. */
	at: number;
}

/** The dates that refreshing moves: of Date, Expires and Last-Modified, and the expiry of cookies. */
export function findDates(fields: readonly ByteString[]): HeaderDate[] {
	const dates: HeaderDate[] = [];
	for (let i = 0; i + 1 < fields.length; i += 2) {
		const value = fields[i + 1] as ByteString;
		for (const span of datesOf(fields[i] as ByteString, value)) dates.push({ at: i + 1, ...span });
	}
	return dates;
}

const NAMES: ReadonlySet<string> = new Set(["date", "expires", "last-modified"]);

function datesOf(name: ByteString, value: ByteString): DateSpan[] {
	const lower = name.toLowerCase();
	if (lower === "set-cookie") return findExpiries(value);
	const seconds = NAMES.has(lower) ? parseHttpDate(value) : null;
	return seconds === null ? [] : [{ from: 0, to: value.length, seconds }];
}

/** A copy of the fields with the dates moved by `delta` seconds. Nothing else changes, nor a date that would leave the calendar. */
export function moveDates(fields: readonly ByteString[], dates: readonly HeaderDate[], delta: number): ByteString[] {
	const moved = fields.slice();
	// from the last to the first, so that the places of those before stay right
	for (const { at, from, to, seconds } of dates.toReversed()) {
		const date = formatHttpDate(seconds + delta);
		const value = moved[at] as ByteString;
		if (date !== null) moved[at] = value.slice(0, from) + date + value.slice(to);
	}
	return moved;
}

/**
 * Refreshes a response in place. What cannot be read as a date stays as it is.
 * @param now seconds since 1970, the time at which the response is sent
 */
export function refreshResponse(response: Response, now: number): void {
	const { headers } = response;
	headers.fields = moveDates(headers.fields, findDates(headers.fields), now - response.timestampStart);
}
