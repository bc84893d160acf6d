// Lossless JSON for bytes, numbers and notes: plain if JSON has the type, otherwise an object with a "$" key.
import { isUtf8 } from "node:buffer";
import { FlowtapeError } from "../src/errors.ts";
import { asBuffer, encodeText, toByteString, toText } from "../src/flow/bytes.ts";
import { Float, isDictionary, type Metadata, type MetaValue } from "../src/flow/metadata.ts";
import { DEPTH_LIMIT, isObject, type Json, type JsonObject, KeptScalar } from "./fields.ts";

/** A string if the bytes are UTF-8, otherwise `{"$base64": …}`. */
export function fromBytes(bytes: Uint8Array): Json {
	const buffer = asBuffer(bytes);
	return isUtf8(buffer) ? buffer.toString("utf8") : { $base64: buffer.toString("base64") };
}

/** Like `fromBytes`, but for a byte string. */
export function fromByteString(bytes: string): Json {
	const text = toText(bytes);
	return text.isWellFormed() ? text : { $base64: Buffer.from(bytes, "latin1").toString("base64") };
}

/** Decodes base64 with any alphabet; undefined for other text, of which Node would silently decode a part. */
export function decodeBase64(text: string): Buffer | undefined {
	const digits = text.replace(/\s+/g, "");
	if (!/^[\w+/-]*={0,2}$/.test(digits) || digits.replace(/=+$/, "").length % 4 === 1) return undefined;
	return Buffer.from(digits, "base64");
}

/** The reverse of `fromBytes`; undefined for other values. */
export function toBytes(value: Json): Buffer | undefined {
	if (typeof value === "string") return encodeText(value);
	const base64 = isObject(value) ? value.$base64 : undefined;
	return typeof base64 === "string" ? decodeBase64(base64) : undefined;
}

/** Like `toBytes`, but returns a byte string. */
export function toBytesOfString(value: Json): string | undefined {
	return typeof value === "string" ? toByteString(value) : toBytes(value)?.latin1Slice();
}

/**
 * A number; `{"$float": "Infinity"}` for numbers that JSON lacks. `fromMeta` also marks integral floats with `$float`.
 */
export function fromNumber(value: number): Json {
	return Number.isFinite(value) ? value : { $float: String(value) };
}

/** The reverse of `fromNumber`; undefined for other values. */
export function toNumber(value: Json): number | undefined {
	if (typeof value === "number") return value;
	return isObject(value) ? floatIn(value.$float) : undefined;
}

/** Converts metadata of any depth. */
export function fromMeta(value: MetaValue): Json {
	if (typeof value === "bigint") return { $int: String(value) };
	if (typeof value === "number") return fromNumber(value);
	if (value instanceof Float) return { $float: String(value.value) };
	if (value instanceof Uint8Array) return { $base64: Buffer.from(value).toString("base64") };
	if (Array.isArray(value)) return value.map(fromMeta);
	if (!isDictionary(value)) return value;
	const entries = Object.entries(value).map(([key, item]): [string, Json] => [key, fromMeta(item)]);
	// a key of the metadata begins with "$"
	return entries.some(([key]) => key.startsWith("$")) ? { $dict: entries } : Object.fromEntries(entries);
}

/** The reverse of `fromMeta`. @throws FlowtapeError FT_CORRUPT_FLOW if nested too deep */
export function toMeta(value: Json, depth = 0): MetaValue {
	if (depth > DEPTH_LIMIT)
		throw new FlowtapeError("FT_CORRUPT_FLOW", `notes are nested deeper than ${DEPTH_LIMIT} levels`);
	if (Array.isArray(value)) return value.map((item) => toMeta(item, depth + 1));
	if (!isObject(value)) return value instanceof KeptScalar ? value.toJSON() : value;
	const keys = Object.keys(value);
	// an object with further keys is a dictionary with a key that begins with "$"
	const marked = keys.length === 1 && keys[0]?.startsWith("$") ? markedValue(value) : undefined;
	if (marked !== undefined) return marked;
	const entries = keys.length === 1 && isEntries(value.$dict) ? value.$dict : Object.entries(value);
	const dictionary = Object.create(null) as { [key: string]: MetaValue };
	for (const [key, item] of entries) dictionary[key] = toMeta(item, depth + 1);
	return dictionary;
}

/** The value in an object that `fromMeta` writes for a scalar or bytes; undefined for other objects. */
function markedValue(value: JsonObject): MetaValue | undefined {
	if (typeof value.$int === "string" && /^-?\d{1,4000}$/.test(value.$int)) return BigInt(value.$int);
	const float = floatIn(value.$float);
	return float === undefined ? toBytes(value) : floatOf(float);
}

/** The number in text that `String` writes for a number; undefined for other values. */
function floatIn(text: Json | undefined): number | undefined {
	if (typeof text !== "string" || text.trim() === "") return undefined;
	const number = Number(text);
	return Number.isNaN(number) && text !== "NaN" ? undefined : number;
}

function isEntries(value: Json | undefined): value is [string, Json][] {
	return (
		Array.isArray(value) &&
		value.every((entry) => Array.isArray(entry) && entry.length === 2 && typeof entry[0] === "string")
	);
}

function floatOf(value: number): number | Float {
	return Number.isInteger(value) ? new Float(value) : value;
}

/** The notes on a tape as `fromMeta` wrote them; empty for other values. @throws FlowtapeError as `toMeta` */
export function toNotes(value: Json | undefined): Metadata {
	const notes = isObject(value) ? toMeta(value) : null;
	return notes !== null && isDictionary(notes) ? notes : {};
}
