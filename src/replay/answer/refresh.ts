// Refreshes a recorded response: moves its dates by the time that has passed since the recording.
import { type ByteString, decodeText, encodeText } from "../../flow/bytes.ts";
import { type DateSpan, findExpiries } from "../../flow/cookies.ts";
import { formatHttpDate, parseHttpDate } from "../../flow/date.ts";
import type { Response } from "../../flow/message.ts";
import { type JsonPath, parseJsonPath } from "../../json/path.ts";
import { moveJsonDates } from "./json-dates.ts";

/** Which dates are moved, besides the expiry of cookies. */
export interface Refresh {
	/** Header names in lower case. */
	readonly headers: ReadonlySet<string>;
	/** Paths in JSON bodies. */
	readonly json: readonly JsonPath[];
}

const NAMES = ["date", "expires", "last-modified"];

/** The dates that mitmproxy refreshes. */
export const usualDates: Refresh = { headers: new Set(NAMES), json: [] };

/**
 * Adds dates to the usual ones: headers by name, values in JSON bodies by pointer or path.
 * @param option the option's name, for errors
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function compileRefresh(also: readonly string[], option = "server_replay_refresh_also"): Refresh {
	const isPath = (word: string) => /^[/$]/.test(word);
	const names = also.filter((word) => !isPath(word)).map((name) => name.toLowerCase());
	return {
		headers: new Set([...NAMES, ...names]),
		json: also.filter(isPath).map((path) => parseJsonPath(path, option)),
	};
}

/** A valid date in a list of header fields. */
export interface HeaderDate extends DateSpan {
	/** Index of the value in `Headers.fields`. */
	at: number;
}

/** Finds the dates that refreshing moves: those of some headers, and the expiry of cookies. */
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

/**
 * Copies the fields and moves the dates by `delta` seconds. A date stays as it is if its year would not have four
 * digits.
 */
export function moveDates(fields: readonly ByteString[], dates: readonly HeaderDate[], delta: number): ByteString[] {
	const moved = fields.slice();
	// from last to first, so that the offsets of earlier dates stay correct
	for (let i = dates.length - 1; i >= 0; i--) {
		const { at, from, to, seconds } = dates[i] as HeaderDate;
		const date = formatHttpDate(seconds + delta);
		const value = moved[at] as ByteString;
		if (date !== null) moved[at] = value.slice(0, from) + date + value.slice(to);
	}
	return moved;
}

/** Larger bodies are left unchanged. Bytes. */
const BODY_LIMIT = 16 * 1024 * 1024;

/** Moves the dates in a JSON body. A body that cannot be decoded or is not JSON stays unchanged. */
export function refreshBody(response: Response, { json }: Refresh, delta: number): void {
	if (json.length === 0 || (response.bodySize ?? 0) > BODY_LIMIT) return;
	const content = response.decodedOrRaw;
	const moved = content === null ? null : moveJsonDates(decodeText(content), json, delta);
	if (moved !== null) response.content = encodeText(moved);
}

/** Whether a response has dates in its headers that a refresh moves. */
export function hasDates({ headers }: Response, refresh: Refresh = usualDates): boolean {
	return findDates(headers.fields, refresh).length > 0;
}

/**
 * Refreshes a response in place. Values that are not valid dates stay unchanged.
 * @param now when the response is sent, in seconds since 1970
 * @param from the time to which its dates refer: that of the recording, unless they were refreshed before
 */
export function refreshResponse(
	response: Response,
	now: number,
	refresh: Refresh = usualDates,
	from = response.timestampStart,
): void {
	const { headers } = response;
	const delta = now - from;
	headers.fields = moveDates(headers.fields, findDates(headers.fields, refresh), delta);
	refreshBody(response, refresh, delta);
}
