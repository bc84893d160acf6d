// What of a flow only flowtape knows, as a value for the places that other formats leave to programs: metadata of a dump, a field of a HAR's
// entry. Text, numbers and lists alone, because some of those places take nothing else.
import { impliedEnd, isRequestCut, toEnd } from "../src/flow/ending.ts";
import { type Flow, HttpFlow, isSession } from "../src/flow/flow.ts";
import { Headers } from "../src/flow/headers.ts";
import { Request } from "../src/flow/message.ts";
import { Float, isDictionary, type MetaValue } from "../src/flow/metadata.ts";

/** The key under which the value stands. */
export const OWN = "flowtape";

type Dictionary = { [key: string]: MetaValue };

/** null where the flow has nothing that its format does not have itself. */
export function ownFields(flow: Flow): Dictionary | null {
	const own: Dictionary = {};
	if (flow.session !== null) own.session = flow.session.toWellFormed();
	if (flow.type === "http") {
		// what the error says already need not be said again
		if (flow.ended !== null && flow.ended !== impliedEnd(flow)) own.ended = flow.ended;
		if (isRequestCut(flow)) own.request_ended = "cut";
		if (flow.refreshed !== null) own.refreshed = flow.refreshed;
		if (flow.original !== null) own.original = requestFields(flow.original);
	}
	return Object.keys(own).length === 0 ? null : own;
}

/** Gives a flow that was just read what `ownFields` wrote; what is something else is passed over. */
export function setOwnFields(flow: Flow, own: MetaValue | undefined): void {
	if (own === undefined || !isDictionary(own)) return;
	const { session, ended, request_ended: requestEnded, refreshed, original } = own;
	if (typeof session === "string" && isSession(session)) flow.session = session;
	if (!(flow instanceof HttpFlow)) return;
	flow.ended = toEnd(ended) ?? null;
	if (requestEnded === "cut") flow.request.timestampEnd = null;
	flow.refreshed = numberOf(refreshed);
	flow.original = original !== undefined && isDictionary(original) ? requestOf(original) : null;
}

/** Bytes as text of one character each; the body as base64. */
function requestFields(request: Request): Dictionary {
	const { method, scheme, host, port, path, authority, httpVersion, headers, trailers, timestampStart, timestampEnd } = request;
	return {
		...{ method, scheme, host: host.toWellFormed(), port, path, authority, http_version: httpVersion },
		...{ headers: headers.fields, trailers: trailers?.fields ?? null, body: request.rawContent?.toString("base64") ?? null },
		...{ timestamp_start: timestampStart, timestamp_end: timestampEnd },
	};
}

/** null for what is no such request. */
function requestOf(fields: Dictionary): Request | null {
	const texts = [fields.method, fields.scheme, fields.path, fields.authority, fields.http_version];
	const { host, trailers, body } = fields;
	const port = numberOf(fields.port);
	const names = fieldsOf(fields.headers);
	if (!texts.every(isByteString) || typeof host !== "string" || port === null || names === null) return null;
	const [method, scheme, path, authority, httpVersion] = texts as [string, string, string, string, string];
	return new Request({
		...{ method, scheme, host, port, path, authority, httpVersion },
		headers: new Headers(names),
		trailers: trailers === null ? null : new Headers(fieldsOf(trailers) ?? []),
		body: typeof body === "string" ? Buffer.from(body, "base64") : null,
		timestampStart: numberOf(fields.timestamp_start) ?? 0,
		timestampEnd: numberOf(fields.timestamp_end),
	});
}

function fieldsOf(value: MetaValue | undefined): string[] | null {
	return Array.isArray(value) && value.length % 2 === 0 && value.every(isByteString) ? (value as string[]) : null;
}

function isByteString(value: MetaValue | undefined): boolean {
	return typeof value === "string" && /^[\0-\xff]*$/.test(value);
}

/** Formats have kinds of numbers of their own. */
function numberOf(value: MetaValue | undefined): number | null {
	if (value instanceof Float) return value.value;
	return typeof value === "number" || typeof value === "bigint" ? Number(value) : null;
}
