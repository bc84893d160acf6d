// Values as msgpack, in which a tape keeps what has no column of its own. The only door to msgpackr.
import { createRequire } from "node:module";
import type * as Msgpackr from "msgpackr";
import { FlowtapeError } from "../../errors.ts";
import { Float, type Metadata, type MetaValue } from "../../flow/metadata.ts";
import { fromStored, toStored } from "./text.ts";

/** An integer beyond 64 bits, which is not msgpack's own. */
class LongInteger {
	readonly digits: string;
	constructor(digits: string) {
		this.digits = digits;
	}
}

/** Reading more digits takes time that grows with their square. */
const DIGITS_LIMIT = 20_000;

function readLong(digits: string): bigint {
	if (digits.length > DIGITS_LIMIT) throw new RangeError("an integer of too many digits");
	return BigInt(digits);
}

let packr: Msgpackr.Packr | undefined;

function codec(): Msgpackr.Packr {
	if (packr === undefined) {
		// this variant never makes code of what it reads
		const { Packr, addExtension } = createRequire(import.meta.url)("msgpackr/index-no-eval") as typeof Msgpackr;
		addExtension({ Class: Float, type: 1, write: (float: Float) => String(float.value), read: (text: string) => new Float(Number(text)) });
		addExtension({ Class: LongInteger, type: 2, write: (long: LongInteger) => long.digits, read: readLong });
		packr = new Packr({ useRecords: false, mapsAsObjects: false, int64AsType: "bigint" });
	}
	return packr;
}

/** Loads the package. Who must not be surprised later, such as by a process that may open no more files, does so at the start: Node keeps a failure for good. */
export function loadMsgpack(): void {
	codec();
}

/** Bytes of their own. */
export function pack(value: unknown): Buffer {
	return codec().pack(value);
}

/** @throws FlowtapeError FT_CORRUPT_FLOW */
export function unpackValue(bytes: Uint8Array): unknown {
	const packr = codec();
	try {
		return packr.unpack(bytes);
	} catch (cause) {
		throw new FlowtapeError("FT_CORRUPT_FLOW", "a record of the tape is damaged: it is not msgpack", { cause });
	}
}

/** A record: its fields by their place. */
export type Packed = readonly unknown[];

/** @throws FlowtapeError FT_CORRUPT_FLOW */
export function unpackRecord(bytes: Uint8Array): Packed {
	const value = unpackValue(bytes);
	if (!Array.isArray(value)) throw new FlowtapeError("FT_CORRUPT_FLOW", "a record of the tape is damaged: a list was expected");
	return value;
}

/** Fields that a newer version wrote behind those we know: kept as they came. */
export function withTail(packed: Packed, known: number): Record<string, unknown> | undefined {
	return packed.length > known ? { tail: packed.slice(known) } : undefined;
}

export function tailOf(extra: Record<string, unknown> | undefined): Packed {
	return Array.isArray(extra?.tail) ? extra.tail : [];
}

/** A value of metadata as `pack` takes it. */
export function fromMeta(value: MetaValue): unknown {
	if (typeof value === "string") return toStored(value);
	if (typeof value === "bigint") return BigInt.asIntN(64, value) === value ? value : new LongInteger(String(value));
	if (typeof value !== "object" || value === null || value instanceof Float || value instanceof Uint8Array) return value;
	if (Array.isArray(value)) return value.map(fromMeta);
	return new Map(Object.entries(value).map(([key, item]) => [toStored(key), fromMeta(item)]));
}

/** What a record has, as a value of metadata. @throws FlowtapeError FT_CORRUPT_FLOW */
export function toMeta(value: unknown): MetaValue {
	if (typeof value === "string") return fromStored(value);
	if (Array.isArray(value)) return value.map(toMeta);
	if (value instanceof Map) {
		const dictionary = Object.create(null) as Metadata;
		for (const [key, item] of value) dictionary[fromStored(String(key))] = toMeta(item);
		return dictionary;
	}
	if (value === null || value instanceof Float || value instanceof Uint8Array || /^(?:boolean|number|bigint)$/.test(typeof value)) return value as MetaValue;
	throw new FlowtapeError("FT_CORRUPT_FLOW", "a record of the tape is damaged: a value that metadata cannot have");
}
