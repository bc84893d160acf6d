// msgpack, the encoding of fields that have no column. The only module of the store that imports msgpackr.
import type * as Msgpackr from "msgpackr";
import { Float, type Metadata, type MetaValue } from "../../flow/metadata.ts";
import { lazily } from "../../lazy.ts";
import { damagedRecord } from "./damage.ts";
import { fromStored, toStored } from "./text.ts";

/** An integer beyond 64 bits, for which msgpack has no type. */
class LongInteger {
	readonly digits: string;
	constructor(digits: string) {
		this.digits = digits;
	}
}

/** Maximum number of digits of an integer: parsing takes quadratic time. */
const DIGITS_LIMIT = 20_000;

function readLong(digits: string): bigint {
	if (digits.length > DIGITS_LIMIT) throw new RangeError("an integer with too many digits");
	return BigInt(digits);
}

/** This variant never compiles code from its input. */
const msgpackr = lazily<typeof Msgpackr>("msgpackr/index-no-eval");

let packr: Msgpackr.Packr | undefined;

function codec(): Msgpackr.Packr {
	if (packr === undefined) {
		const { Packr, addExtension } = msgpackr();
		addExtension({
			Class: Float,
			type: 1,
			write: (float: Float) => String(float.value),
			read: (text: string) => new Float(Number(text)),
		});
		addExtension({ Class: LongInteger, type: 2, write: (long: LongInteger) => long.digits, read: readLong });
		packr = new Packr({ useRecords: false, mapsAsObjects: false, int64AsType: "bigint" });
	}
	return packr;
}

/**
 * Loads the package before it is needed. Loading can fail later, for example when no more files can be opened, and Node
 * caches such a failure.
 */
export function loadMsgpack(): void {
	codec();
}

/** Encodes a value. Later calls do not overwrite the result, which may be a view of a larger ArrayBuffer. */
export function pack(value: unknown): Buffer {
	return codec().pack(value);
}

/** @throws FlowtapeError FT_CORRUPT_FLOW */
export function unpackValue(bytes: Uint8Array): unknown {
	const packr = codec();
	try {
		return packr.unpack(bytes);
	} catch (cause) {
		throw damagedRecord("invalid msgpack", cause);
	}
}

/** A record, as a list of its fields by position. */
export type Packed = readonly unknown[];

/** @throws FlowtapeError FT_CORRUPT_FLOW */
export function unpackRecord(bytes: Uint8Array): Packed {
	const value = unpackValue(bytes);
	if (!Array.isArray(value)) throw damagedRecord("expected a list");
	return value;
}

/**
 * The fields that a newer version wrote after the first `known` ones, for `extra` of the decoded object; undefined:
 * none.
 */
export function withTail(packed: Packed, known: number): Record<string, unknown> | undefined {
	return packed.length > known ? { tail: packed.slice(known) } : undefined;
}

export function tailOf(extra: Record<string, unknown> | undefined): Packed {
	return Array.isArray(extra?.tail) ? extra.tail : [];
}

/** Converts a metadata value for `pack`. */
export function fromMeta(value: MetaValue): unknown {
	if (typeof value === "string") return toStored(value);
	if (typeof value === "bigint") return BigInt.asIntN(64, value) === value ? value : new LongInteger(String(value));
	if (typeof value !== "object" || value === null || value instanceof Float || value instanceof Uint8Array)
		return value;
	if (Array.isArray(value)) return value.map(fromMeta);
	return new Map(Object.entries(value).map(([key, item]) => [toStored(key), fromMeta(item)]));
}

/** Converts an unpacked value to a metadata value. @throws FlowtapeError FT_CORRUPT_FLOW */
export function toMeta(value: unknown): MetaValue {
	if (typeof value === "string") return fromStored(value);
	if (Array.isArray(value)) return value.map(toMeta);
	if (value instanceof Map) {
		const dictionary = Object.create(null) as Metadata;
		for (const [key, item] of value) dictionary[fromStored(String(key))] = toMeta(item);
		return dictionary;
	}
	if (
		value === null ||
		value instanceof Float ||
		value instanceof Uint8Array ||
		/^(?:boolean|number|bigint)$/.test(typeof value)
	)
		return value as MetaValue;
	throw damagedRecord("invalid metadata value");
}
