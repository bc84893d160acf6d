// Bodies: bytes in memory or read on demand, and their content codings (RFC 9110 section 8.4), bounded when decoded.

import { createRequire } from "node:module";
import type * as Zlib from "node:zlib";
import type * as Fzstd from "fzstd";
import { FlowtapeError } from "../errors.ts";

/** A body that lies elsewhere, such as in a store; read when asked. */
export interface BodySource {
	/** Bytes. */
	readonly size: number;
	/** In hexadecimal digits, where it is known: reading what is large takes its time. */
	readonly sha256?: string | undefined;
	/** All of it, in memory. */
	read(): Buffer;
	/** Piece by piece, for what may be large. */
	chunks(): Iterable<Buffer>;
	/** As `chunks`, in small pieces, for who takes them slowly: nothing else is kept in memory between them. Where it can. */
	slices?(): Iterable<Buffer>;
}

/** null: missing. */
export type Body = Buffer | BodySource | null;

/** The bytes of a body, read where they lie elsewhere. */
export function bodyBytes(body: Body): Buffer | null {
	return body === null || Buffer.isBuffer(body) ? body : body.read();
}

/** Size in bytes, without reading. */
export function bodySize(body: Body): number | null {
	return body === null ? null : Buffer.isBuffer(body) ? body.length : body.size;
}

/** The pieces of a body, in order; none where it is missing. */
export function bodyChunks(body: Body): Iterable<Buffer> {
	return body === null ? [] : Buffer.isBuffer(body) ? [body] : body.chunks();
}

/** Bytes of a piece that is sent at once. */
export const SLICE_BYTES = 64 * 1024;

/** The pieces of a body, in order and small. */
export function* bodySlices(body: Body): Generator<Buffer> {
	if (body !== null && !Buffer.isBuffer(body) && body.slices !== undefined) yield* body.slices();
	else for (const chunk of bodyChunks(body)) for (let at = 0; at < chunk.length; at += SLICE_BYTES) yield chunk.subarray(at, at + SLICE_BYTES);
}

/** Largest body that is decoded, in bytes: what inflates beyond is taken for a bomb. */
export const DECODED_LIMIT = 256 * 1024 * 1024;

let zlib: typeof Zlib | undefined;
function codecs(): typeof Zlib {
	zlib ??= createRequire(import.meta.url)("node:zlib") as typeof Zlib;
	return zlib;
}

/** One content coding both ways. */
interface Coding {
	decode(bytes: Uint8Array, limit: number): Buffer;
	encode(bytes: Uint8Array): Buffer;
}

const plain: Coding = { decode: (bytes) => asBuffer(bytes), encode: (bytes) => asBuffer(bytes) };

const deflate: Coding = {
	// "deflate" is zlib by RFC 9110 section 8.4.1.2; some senders leave its two header bytes out
	decode(bytes, limit) {
		try {
			return codecs().inflateSync(bytes, { maxOutputLength: limit });
		} catch (error) {
			if (isTooLarge(error)) throw error;
			return codecs().inflateRawSync(bytes, { maxOutputLength: limit });
		}
	},
	encode: (bytes) => codecs().deflateSync(bytes),
};

const gzip: Coding = {
	decode: (bytes, limit) => codecs().unzipSync(bytes, { maxOutputLength: limit }),
	encode: (bytes) => codecs().gzipSync(bytes, { level: 1 }),
};

const codings = new Map<string, Coding>([
	["identity", plain],
	["none", plain],
	["gzip", gzip],
	// RFC 9110 section 8.4.1.3
	["x-gzip", gzip],
	["deflate", deflate],
	["deflateraw", { decode: (bytes, limit) => deflate.decode(bytes, limit), encode: (bytes) => codecs().deflateRawSync(bytes) }],
	[
		"br",
		{
			decode: (bytes, limit) => codecs().brotliDecompressSync(bytes, { maxOutputLength: limit }),
			encode: (bytes) => codecs().brotliCompressSync(bytes, { params: { [codecs().constants.BROTLI_PARAM_QUALITY]: 0 } }),
		},
	],
	["zstd", { decode: (bytes, limit) => zstdDecode(bytes, limit), encode: (bytes) => zstdEncode(bytes) }],
]);

/** More codings than this one upon the other are none that anybody uses. */
const LIST_LENGTH = 8;

/** The codings that a Content-Encoding names, in the order in which they were applied (RFC 9110 section 8.4); null: one is unknown. */
function codingsOf(header: string): Coding[] | null {
	const names = header.split(",").map((name) => name.trim().toLowerCase());
	const known = names.filter((name) => name !== "").flatMap((name) => codings.get(name) ?? []);
	return known.length === names.filter((name) => name !== "").length && known.length <= LIST_LENGTH ? known : null;
}

/**
 * Undoes a Content-Encoding. Without one, and for an empty body, the bytes themselves.
 * @throws FlowtapeError FT_BAD_BODY when the coding is unknown, the bytes do not follow it or inflate beyond `limit` bytes
 */
export function decodeBody(bytes: Buffer, coding: string | null, limit = DECODED_LIMIT): Buffer {
	if (coding === null || coding === "" || bytes.length === 0) return bytes;
	const applied = codingsOf(coding);
	if (applied === null) throw new FlowtapeError("FT_BAD_BODY", `content-encoding "${coding}" is not one of ${[...codings.keys()].join(", ")}`);
	try {
		// most decoders make room before they see that there is none
		if (limit === 0) throw tooLarge();
		return applied.reduceRight((coded, codec) => codec.decode(coded, limit), bytes);
	} catch (cause) {
		const why = isTooLarge(cause) ? `it inflates beyond ${limit} bytes` : "the bytes do not follow it";
		throw new FlowtapeError("FT_BAD_BODY", `the body cannot be decoded as "${coding}": ${why}`, { cause });
	}
}

/** Applies a Content-Encoding; null when flowtape does not know it. */
export function encodeBody(bytes: Uint8Array, coding: string | null): Buffer | null {
	if (coding === null || coding === "") return asBuffer(bytes);
	return codingsOf(coding)?.reduce<Buffer>((plain, codec) => codec.encode(plain), asBuffer(bytes)) ?? null;
}

function isTooLarge(error: unknown): boolean {
	return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}

function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Node has zstd from 22.15 on. */
interface Zstd {
	zstdCompressSync?(bytes: Uint8Array): Buffer;
}

let fzstd: typeof Fzstd | undefined;
function zstdDecoder(): typeof Fzstd {
	fzstd ??= createRequire(import.meta.url)("fzstd") as typeof Fzstd;
	return fzstd;
}

/** Loads what decodes. A proxy does so at the start: later the process may be unable to open files, and Node keeps a failure for good. */
export function loadCodings(): void {
	zstdDecoder();
}

/** Not with Node's own, which stops after the first frame, and in Node 22 takes what is cut off for whole. */
function zstdDecode(bytes: Uint8Array, limit: number): Buffer {
	if (announcesMore(bytes, limit)) throw tooLarge();
	const { Decompress } = zstdDecoder();
	const parts: Uint8Array[] = [];
	let size = 0;
	const stream = new Decompress((part) => {
		size += part.length;
		if (size > limit) throw tooLarge();
		parts.push(part);
	});
	stream.push(bytes, true);
	return Buffer.concat(parts);
}

function tooLarge(): Error {
	return Object.assign(new Error("too large"), { code: "ERR_BUFFER_TOO_LARGE" });
}

const ZSTD_MAGIC = 0xfd2fb528;
/** What a window may always have (RFC 9659). Bytes. */
const ZSTD_WINDOW = 8 * 1024 * 1024;

/**
 * Whether frames of zstd say that more than `limit` bytes are in them (RFC 8878 section 3.1.1). The decoder makes room for all that a frame
 * announces, and moves it with every block, before it has decoded anything.
 */
function announcesMore(bytes: Uint8Array, limit: number): boolean {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	let total = 0;
	for (let at = 0; at + 8 <= bytes.length; ) {
		const magic = view.getUint32(at, true);
		if (magic >>> 4 === 0x184d2a5) {
			at += 8 + view.getUint32(at + 4, true);
			continue;
		}
		// what is no frame the decoder tells of
		if (magic !== ZSTD_MAGIC) return false;
		const flags = bytes[at + 4] as number;
		const isSingle = (flags & 0x20) !== 0;
		const sizeAt = at + 5 + (isSingle ? 0 : 1) + ([0, 1, 2, 4][flags & 3] as number);
		const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6] as number;
		if (sizeAt + sizeBytes > bytes.length) return false;
		const announced = littleEndian(bytes, sizeAt, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
		const exponent = bytes[at + 5] as number;
		const window = isSingle ? announced : 2 ** (10 + (exponent >> 3)) * (1 + (exponent & 7) / 8);
		total += announced;
		if (total > limit || window > Math.max(limit, ZSTD_WINDOW)) return true;
		at = endOfBlocks(bytes, sizeAt + sizeBytes) + ((flags & 4) !== 0 ? 4 : 0);
	}
	return false;
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
	let value = 0;
	for (let i = count - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] as number);
	return value;
}

/** Where the blocks of a frame end that begin at `from`. */
function endOfBlocks(bytes: Uint8Array, from: number): number {
	let at = from;
	for (let isLast = false; !isLast && at + 3 <= bytes.length; ) {
		const head = littleEndian(bytes, at, 3);
		isLast = (head & 1) !== 0;
		// a block of one repeated byte has that alone
		at += 3 + (((head >> 1) & 3) === 1 ? 1 : head >> 3);
	}
	return at;
}

const ZSTD_BLOCK = 128 * 1024;

/** Without native zstd: one frame of raw blocks (RFC 8878 section 3.1.1), valid and not smaller. */
function zstdEncode(bytes: Uint8Array): Buffer {
	const native = (codecs() as unknown as Zstd).zstdCompressSync;
	if (native !== undefined) return native(bytes);
	// magic, descriptor "single segment, 4-byte content size", size
	const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0]);
	head.writeUInt32LE(bytes.length, 5);
	const parts: Uint8Array[] = [head];
	for (let at = 0; at === 0 || at < bytes.length; at += ZSTD_BLOCK) {
		const part = bytes.subarray(at, at + ZSTD_BLOCK);
		const last = at + ZSTD_BLOCK >= bytes.length;
		const blockHead = Buffer.alloc(3);
		blockHead.writeUIntLE((part.length << 3) | (last ? 1 : 0), 0, 3);
		parts.push(blockHead, part);
	}
	return Buffer.concat(parts);
}
