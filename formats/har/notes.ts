// Keeps the fields of an entry that flows do not have, such as `_initiator`, in the flow's metadata under "har". Every
// format stores them, and they are written to a HAR again.
import type { HttpFlow } from "../../src/flow/flow.ts";
import { Float, isDictionary, type MetaValue } from "../../src/flow/metadata.ts";
import { DEPTH_LIMIT, isObject, type Json, type JsonObject } from "../fields.ts";

export const NOTE = "har";
/** The field of `log` with the notes on the tape: `{ "notes": {…} }`. */
export const OWN_LOG = "_flowtape";

/** Keys whose values a flow stores itself, or that can be derived from other values. */
const HELD = {
	entry: "startedDateTime time request response timings serverIPAddress comment _id _flowtape _page _webSocketMessages",
	request: "method url httpVersion cookies headers queryString postData headersSize bodySize",
	postData: "mimeType params text encoding _file _asSent comment",
	response:
		"status statusText httpVersion cookies headers content redirectURL headersSize bodySize _error _failureText",
	content: "size compression mimeType text encoding _file _asSent comment",
	timings: "connect ssl send wait receive",
} as const;
const held = Object.fromEntries(Object.entries(HELD).map(([part, keys]) => [part, new Set(keys.split(" "))])) as Record<
	keyof typeof HELD,
	Set<string>
>;

/** Lists in requests and responses whose items a flow stores without their comments. */
const LISTS = ["headers", "cookies", "queryString"];

/** Number of comments on header fields, cookies, and parameters of an entry, which are not kept. */
export function countLostComments({ request, response }: JsonObject): number {
	const postData = isObject(request) ? request.postData : undefined;
	// fields of other bodies are kept with the flow
	const isForm = isObject(postData) && /x-www-form-urlencoded/i.test(String(postData.mimeType));
	return [request, response]
		.flatMap((part) => (isObject(part) ? LISTS.flatMap((key) => part[key] ?? []) : []))
		.concat(isForm ? (postData.params ?? []) : [])
		.filter((item) => isObject(item) && typeof item.comment === "string" && item.comment !== "").length;
}

/** The fields of a part of an entry that flows do not have. */
export function remainder(part: keyof typeof HELD, values: Json | undefined): JsonObject {
	const rest: JsonObject = {};
	if (!isObject(values)) return rest;
	for (const [key, value] of Object.entries(values)) {
		const isUnknown = part === "timings" && value === -1;
		if (!held[part].has(key) && !isUnknown && !isEmpty(value)) set(rest, key, value);
	}
	return rest;
}

/** Empty values such as `cache: {}` are dropped. */
function isEmpty(value: Json): boolean {
	return value === null || (typeof value === "object" && Object.keys(value).length === 0);
}

/** Works for the key `__proto__` too. */
function set(object: JsonObject, key: string, value: Json): void {
	Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/** The parts that are not empty. */
export function collect(parts: JsonObject): JsonObject {
	return Object.fromEntries(Object.entries(parts).filter(([, value]) => !isEmpty(value)));
}

/** The notes of a flow read from a HAR; empty for others. */
export function notesOf(flow: HttpFlow): JsonObject {
	const notes = flow.metadata[NOTE];
	return notes !== undefined && isDictionary(notes) ? (toJson(notes, 0) as JsonObject) : {};
}

/** A part of the notes; empty if there is none. */
export function inside(notes: JsonObject, part: string): JsonObject {
	const value = notes[part];
	return isObject(value) ? value : {};
}

function toJson(value: MetaValue, depth: number): Json {
	if (depth > DEPTH_LIMIT) return null;
	if (typeof value === "bigint") return Number(value);
	if (value instanceof Float) return value.value;
	if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
	if (typeof value === "string") return value.toWellFormed();
	if (Array.isArray(value)) return value.map((item) => toJson(item, depth + 1));
	if (!isDictionary(value)) return value;
	const object: JsonObject = {};
	for (const [key, item] of Object.entries(value)) set(object, key.toWellFormed(), toJson(item, depth + 1));
	return object;
}
