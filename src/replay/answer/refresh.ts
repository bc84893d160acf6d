// Makes a recorded response look as if it had been sent now: its dates keep their distance to the time of recording.
import { type ByteString, decodeText, encodeText } from "../../flow/bytes.ts";
import { type DateSpan, findExpiries } from "../../flow/cookies.ts";
import { formatHttpDate, parseHttpDate } from "../../flow/date.ts";
import type { Response } from "../../flow/message.ts";
import { type JsonPath, parseJsonPath } from "../../json/path.ts";
import { moveJsonDates } from "./json-dates.ts";

/** Which dates are moved, besides the expiry of cookies. */
export interface Refresh {
	/** Header fields, in lower case. */
	readonly headers: ReadonlySet<string>;
	/** Places in JSON bodies. */
	readonly json: readonly JsonPath[];
}

const NAMES = ["date", "expires", "last-modified"];

/** What mitmproxy refreshes. */
export const usualDates: Refresh = { headers: new Set(NAMES), json: [] };

/**
 * The usual dates and more: header fields by their names, places in JSON bodies by a pointer or path.
 * @param option that names them, for errors
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function compileRefresh(also: readonly string[], option = "server_replay_refresh_also"): Refresh {
	const isPath = (word: string) => /^[/$]/.test(word);
	const names = also.filter((word) => !isPath(word)).map((name) => name.toLowerCase());
	return { headers: new Set([...NAMES, ...names]), json: also.filter(isPath).map((path) => parseJsonPath(path, option)) };
}

/** A readable date in a list of header fields. */
export interface HeaderDate extends DateSpan {
	/** Index of the value in `Headers.fields`. */
	at: number;
}

/** The dates that refreshing moves: of some header fields, and the expiry of cookies. */
export function findDates(fields: readonly ByteString[], { headers }: Refresh = usualDates): HeaderDate[] {
	const dates: HeaderDate[] = [];
	for (let i = 0; i + 1 < fields.length; i += 2) {
		const value = fields[i + 1] as ByteString;
		for (const span of datesOf(fields[i] as ByteString, value, headers)) dates.push({ at: i + 1, ...span });
	}
	return dates;
}

function datesOf(name: ByteString, value: ByteString, names: ReadonlySet<string>): DateSpan[] {
	const lower = name.toLowerCase();
	if (lower === "set-cookie") return findExpiries(value);
	const seconds = names.has(lower) ? parseHttpDate(value) : null;
	return seconds === null ? [] : [{ from: 0, to: value.length, seconds }];
}

/** A copy of the fields with the dates moved by `delta` seconds. Nothing else changes, nor a date that would leave the calendar. */
export function moveDates(fields: readonly ByteString[], dates: readonly HeaderDate[], delta: number): ByteString[] {
	const moved = fields.slice();
	// from the last to the first, so that the places of those before stay right
	for (let i = dates.length - 1; i >= 0; i--) {
		const { at, from, to, seconds } = dates[i] as HeaderDate;
		const date = formatHttpDate(seconds + delta);
		const value = moved[at] as ByteString;
		if (date !== null) moved[at] = value.slice(0, from) + date + value.slice(to);
	}
	return moved;
}

/** Bodies beyond this many bytes are left as they are. */
const BODY_LIMIT = 16 * 1024 * 1024;

/** Moves the dates in a JSON body. What cannot be decoded or is no JSON stays to the byte. */
export function refreshBody(response: Response, { json }: Refresh, delta: number): void {
	if (json.length === 0 || (response.bodySize ?? 0) > BODY_LIMIT) return;
	const content = response.decodedOrRaw;
	const moved = content === null ? null : moveJsonDates(decodeText(content), json, delta);
	if (moved !== null) response.content = encodeText(moved);
}

/**
 * Refreshes a response in place. What cannot be read as a date stays as it is.
 * @param now seconds since 1970, the time at which the response is sent
 * @param from the time that its dates belong to: that of the recording, unless they were moved before
 */
export function refreshResponse(response: Response, now: number, refresh: Refresh = usualDates, from = response.timestampStart): void {
	const { headers } = response;
	const delta = now - from;
	headers.fields = moveDates(headers.fields, findDates(headers.fields, refresh), delta);
	refreshBody(response, refresh, delta);
}
