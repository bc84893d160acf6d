// Fields that only flowtape has, as one value for the extension points of other formats: metadata of a dump, a custom
// field of a HAR entry. Only text, numbers and lists, because some extension points accept nothing else.
import { impliedEnd, isRequestCut, toEnd } from "../src/flow/ending.ts";
import { type Flow, HttpFlow } from "../src/flow/flow.ts";
import { Headers } from "../src/flow/headers.ts";
import { Request } from "../src/flow/message.ts";
import { Float, isDictionary, type MetaValue } from "../src/flow/metadata.ts";
import { isSession } from "../src/flow/session.ts";

/** The key of the value. */
export const OWN = "flowtape";

type Dictionary = { [key: string]: MetaValue };

/** null if the flow has no such fields. */
export function ownFields(flow: Flow): Dictionary | null {
	const own: Dictionary = {};
	if (flow.session !== null) own.session = flow.session.toWellFormed();
	if (flow.type === "http") {
		// omitted if the error implies it
		if (flow.ended !== null && flow.ended !== impliedEnd(flow)) own.ended = flow.ended;
		if (isRequestCut(flow)) own.request_ended = "cut";
		if (flow.refreshed !== null) own.refreshed = flow.refreshed;
		if (flow.original !== null) own.original = requestFields(flow.original);
	}
	return Object.keys(own).length === 0 ? null : own;
}

/** Sets on a flow what `ownFields` wrote; other values are ignored. */
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

/** Which messages of a flow were cut off, as `ownFields` wrote it. */
export function cutParts(own: MetaValue | undefined): { isRequestCut: boolean; isResponseCut: boolean } {
	const { ended, request_ended: requestEnded } = own !== undefined && isDictionary(own) ? own : {};
	return { isRequestCut: requestEnded === "cut", isResponseCut: ended === "client" || ended === "cut" };
}

/** Bytes as byte strings; the body as base64. */
function requestFields(request: Request): Dictionary {
	const { method, scheme, host, port, path, authority, httpVersion, headers, trailers, timestampStart, timestampEnd } =
		request;
	return {
		method,
		scheme,
		host: host.toWellFormed(),
		port,
		path,
		authority,
		http_version: httpVersion,
		headers: headers.fields,
		trailers: trailers?.fields ?? null,
		body: request.rawContent?.toString("base64") ?? null,
		timestamp_start: timestampStart,
		timestamp_end: timestampEnd,
	};
}

/** null if the fields are not a request. */
function requestOf(fields: Dictionary): Request | null {
	const texts = [fields.method, fields.scheme, fields.path, fields.authority, fields.http_version];
	const { host, trailers, body } = fields;
	const port = numberOf(fields.port);
	const names = fieldsOf(fields.headers);
	if (!texts.every(isByteString) || typeof host !== "string" || port === null || names === null) return null;
	const [method, scheme, path, authority, httpVersion] = texts as [string, string, string, string, string];
	return new Request({
		method,
		scheme,
		host,
		port,
		path,
		authority,
		httpVersion,
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

/** A number as any format represents it; null for other types. */
function numberOf(value: MetaValue | undefined): number | null {
	if (value instanceof Float) return value.value;
	return typeof value === "number" || typeof value === "bigint" ? Number(value) : null;
}
