// Converts the timings of a HAR, a start and the duration of each phase, to the timestamps of a flow and back.
// Calculates in whole microseconds, so that a round trip changes nothing.
import type { ServerConnection } from "../../src/flow/connection.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";
import type { JsonObject } from "../fields.ts";
import type { EntryFields } from "./entry-fields.ts";

/** Timestamps in seconds since 1970. */
export interface Moments {
	requestEnd: number;
	responseStart: number;
	responseEnd: number;
	/** null: an open connection was reused, or nothing is known. */
	connection: Pick<ServerConnection, "timestampStart" | "timestampTcpSetup" | "timestampTlsSetup"> | null;
}

const ISO = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:?\d\d)?$/i;

/** Microseconds since 1970 of a date in ISO 8601, in local time if it has no zone; null if it is not a date. */
export function parseStarted(text: string): number | null {
	const [, seconds, fraction = "", zone = ""] = ISO.exec(text) ?? [];
	const milliseconds = Date.parse(seconds === undefined ? text : `${seconds}${zone}`);
	return Number.isNaN(milliseconds)
		? null
		: milliseconds * 1000 + (seconds === undefined ? 0 : Number(fraction.slice(0, 6).padEnd(6, "0")));
}

/** As ISO 8601 in UTC, to the microsecond; 1970 for years without four digits. */
export function formatStarted(timestamp: number): string {
	const micros = microsOf(timestamp);
	const seconds = Math.floor(micros / 1e6);
	const date = new Date(seconds * 1000);
	const year = date.getUTCFullYear();
	if (!(year >= 0 && year <= 9999)) return new Date(0).toISOString();
	const fraction = String(micros - seconds * 1e6).padStart(6, "0");
	return `${date.toISOString().slice(0, 19)}.${fraction.replace(/000$/, "")}Z`;
}

function microsOf(seconds: number): number {
	return Number.isFinite(seconds) ? Math.round(seconds * 1e6) : 0;
}

/** A phase in microseconds; null if it is -1 or missing, which means that it does not apply. */
function phase(timings: EntryFields | null, name: string): number | null {
	const milliseconds = timings?.number(name, -1) ?? -1;
	return milliseconds < 0 ? null : Math.round(milliseconds * 1000);
}

/**
 * Converts the start and the phases of an entry to timestamps.
 * @param started start in microseconds since 1970
 */
export function readMoments(entry: EntryFields, started: number, isTls: boolean): Moments {
	const timings = entry.optional("timings", (at) => at);
	const before = (phase(timings, "blocked") ?? 0) + (phase(timings, "dns") ?? 0);
	const connect = phase(timings, "connect");
	const ssl = isTls ? phase(timings, "ssl") : null;
	const rest = ["send", "wait", "receive"].map((name) => phase(timings, name) ?? 0) as [number, number, number];
	const total = phase(entry, "time") ?? 0;
	const known = before + (connect ?? 0) + rest[0] + rest[1] + rest[2];
	// without phases, all of the time counts as waiting
	if (known === 0) rest[1] = total;
	// in HAR, `connect` includes `ssl`; in some programs it does not: then `time` is closer to the sum of all phases and
	// `ssl`
	const isApart = ssl !== null && (ssl > (connect ?? 0) || Math.abs(total - known - ssl) < Math.abs(total - known));
	const connecting = (connect ?? 0) + (isApart ? (ssl ?? 0) : 0);
	const requestEnd = started + before + connecting + rest[0];
	const opened = started + before;
	return {
		requestEnd: requestEnd / 1e6,
		responseStart: (requestEnd + rest[1]) / 1e6,
		responseEnd: (requestEnd + rest[1] + rest[2]) / 1e6,
		connection:
			connect === null
				? null
				: {
						timestampStart: opened / 1e6,
						timestampTcpSetup: (opened + connecting - (ssl ?? 0)) / 1e6,
						timestampTlsSetup: ssl === null ? null : (opened + connecting) / 1e6,
					},
	};
}

/**
 * The phases of a flow in milliseconds and their sum.
 * @param noted `blocked` and `dns` as read, which flows do not have
 */
export function writeTimings(flow: HttpFlow, noted: JsonObject): { time: number; timings: JsonObject } {
	const { request, response } = flow;
	const start = microsOf(request.timestampStart);
	const after = (timestamp: number | null | undefined, earliest: number): number =>
		Math.max(microsOf(timestamp ?? 0), earliest);
	const requestEnd = after(request.timestampEnd, start);
	const responseStart = after(response?.timestampStart ?? flow.error?.timestamp, requestEnd);
	const responseEnd = after(response?.timestampEnd, responseStart);
	const before = noteOf(noted, "blocked") + noteOf(noted, "dns");
	const connection = connectionPhase(flow.serverConn, start, responseStart);
	const isBeforeSending = connection !== null && connection.end <= requestEnd;
	const connect = connection?.connect ?? 0;
	const send = Math.max(requestEnd - start - before - (isBeforeSending ? connect : 0), 0);
	const wait = Math.max(responseStart - requestEnd - (isBeforeSending ? 0 : connect), 0);
	const receive = responseEnd - responseStart;
	return {
		time: (before + connect + send + wait + receive) / 1000,
		timings: {
			blocked: -1,
			dns: -1,
			...noted,
			connect: connection === null ? -1 : connect / 1000,
			ssl: connection?.ssl == null ? -1 : connection.ssl / 1000,
			send: send / 1000,
			wait: wait / 1000,
			receive: receive / 1000,
		},
	};
}

function noteOf(noted: JsonObject, name: string): number {
	const value = noted[name];
	return typeof value === "number" && value > 0 ? Math.round(value * 1000) : 0;
}

/**
 * The time that this flow waited for its connection, in microseconds. null if it reused a connection, or if the times
 * are unknown or inconsistent.
 */
function connectionPhase(
	server: ServerConnection,
	start: number,
	responseStart: number,
): { connect: number; ssl: number | null; end: number } | null {
	const { timestampStart, timestampTcpSetup, timestampTlsSetup } = server;
	if (timestampStart === null || timestampTcpSetup === null) return null;
	const opened = microsOf(timestampStart);
	const tcp = microsOf(timestampTcpSetup);
	const end = timestampTlsSetup === null ? tcp : microsOf(timestampTlsSetup);
	if (opened < start || tcp < opened || end < tcp || end > responseStart) return null;
	return { connect: end - opened, ssl: timestampTlsSetup === null ? null : end - tcp, end };
}
