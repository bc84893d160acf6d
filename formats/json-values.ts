// Bytes, numbers and notes as JSON that loses nothing: plain where JSON can say it, an object with a "$" key where not.
import { isUtf8 } from "node:buffer";
import { FlowtapeError } from "../src/errors.ts";
import { encodeText, toByteString, toText } from "../src/flow/bytes.ts";
import { Float, isDictionary, type Metadata, type MetaValue } from "../src/flow/metadata.ts";
import { DEPTH_LIMIT, isObject, type Json } from "./fields.ts";

/** A string where the bytes are UTF-8, else `{"$base64": …}`. */
export function fromBytes(bytes: Uint8Array): Json {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	return isUtf8(buffer) ? buffer.toString("utf8") : { $base64: buffer.toString("base64") };
}

/** As `fromBytes`, from a string of bytes. */
export function fromByteString(bytes: string): Json {
	const text = toText(bytes);
	return text.isWellFormed() ? text : { $base64: Buffer.from(bytes, "latin1").toString("base64") };
}

/** The bytes of what `fromBytes` wrote; undefined when it is something else. */
export function toBytes(value: Json): Buffer | undefined {
	if (typeof value === "string") return encodeText(value);
	const base64 = isObject(value) ? value.$base64 : undefined;
	return typeof base64 === "string" ? Buffer.from(base64, "base64") : undefined;
}

/** As `toBytes`, to a string of bytes. */
export function toBytesOfString(value: Json): string | undefined {
	return typeof value === "string" ? toByteString(value) : toBytes(value)?.latin1Slice();
}

/** JSON knows no infinity; `$float` also says that a whole number was written as a float. */
export function fromNumber(value: number): Json {
	return Number.isFinite(value) ? value : { $float: String(value) };
}

/** The number that `fromNumber` wrote; undefined when it is something else. */
export function toNumber(value: Json): number | undefined {
	if (typeof value === "number") return value;
	return isObject(value) && typeof value.$float === "string" ? Number(value.$float) : undefined;
}

/** Notes of any depth. */
export function fromMeta(value: MetaValue): Json {
	if (typeof value === "bigint") return { $int: String(value) };
	if (typeof value === "number") return fromNumber(value);
	if (value instanceof Float) return { $float: String(value.value) };
	if (value instanceof Uint8Array) return { $base64: Buffer.from(value).toString("base64") };
	if (Array.isArray(value)) return value.map(fromMeta);
	if (!isDictionary(value)) return value;
	const entries = Object.entries(value).map(([key, item]): [string, Json] => [key, fromMeta(item)]);
	// a key of theirs that looks like one of ours
	return entries.some(([key]) => key.startsWith("$")) ? { $dict: entries } : Object.fromEntries(entries);
}

/** @throws FlowtapeError FT_CORRUPT_FLOW when it is nested too deep */
export function toMeta(value: Json, depth = 0): MetaValue {
	if (depth > DEPTH_LIMIT) throw new FlowtapeError("FT_CORRUPT_FLOW", `notes are nested deeper than ${DEPTH_LIMIT}`);
	if (Array.isArray(value)) return value.map((item) => toMeta(item, depth + 1));
	if (!isObject(value)) return value;
	if (typeof value.$int === "string" && /^-?\d{1,4000}$/.test(value.$int)) return BigInt(value.$int);
	if (typeof value.$float === "string") return floatOf(Number(value.$float));
	if (typeof value.$base64 === "string") return Buffer.from(value.$base64, "base64");
	const entries = Array.isArray(value.$dict) ? (value.$dict as [string, Json][]) : Object.entries(value);
	const dictionary = Object.create(null) as { [key: string]: MetaValue };
	for (const [key, item] of entries) dictionary[key] = toMeta(item, depth + 1);
	return dictionary;
}

function floatOf(value: number): number | Float {
	return Number.isInteger(value) ? new Float(value) : value;
}

/** The notes on a tape that `fromMeta` wrote as an object; empty where it is something else. @throws FlowtapeError as `toMeta` */
export function toNotes(value: Json | undefined): Metadata {
	const notes = isObject(value) ? toMeta(value) : null;
	return notes !== null && isDictionary(notes) ? notes : {};
}
