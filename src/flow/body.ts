// Bodies, in memory or read on demand, and their content codings (RFC 9110 section 8.4). Decoding has a size limit.
import type * as Zlib from "node:zlib";
import type * as Fzstd from "fzstd";
import { FlowtapeError } from "../errors.ts";
import { lazily } from "../lazy.ts";
import { asBuffer } from "./bytes.ts";
import { collectLargeBuffers } from "./young-buffers.ts";

/** A body that is stored elsewhere, such as in a tape, and read on demand. */
export interface BodySource {
	/** Bytes. */
	readonly size: number;
	/** SHA-256 in hexadecimal digits, if known; it saves reading a large body. */
	readonly sha256?: string | undefined;
	/** Reads the whole body into memory. */
	read(): Buffer;
	/** Reads the body in chunks. */
	chunks(): Iterable<Buffer>;
	/** Optional. Like `chunks`, but for slow readers: the chunks are small, and only one is kept in memory. */
	slices?(): Iterable<Buffer>;
}

/** A body: its bytes, or a source from which they are read on demand; null: missing. */
export type Body = Buffer | BodySource | null;

/** The bytes of a body, read if they are stored elsewhere; null: missing. */
export function bodyBytes(body: Body): Buffer | null {
	return body === null || Buffer.isBuffer(body) ? body : body.read();
}

/** Size in bytes, without reading the body; null: missing. */
export function bodySize(body: Body): number | null {
	return body === null ? null : Buffer.isBuffer(body) ? body.length : body.size;
}

/** The chunks of a body, in order; none if it is missing. */
export function bodyChunks(body: Body): Iterable<Buffer> {
	return body === null ? [] : Buffer.isBuffer(body) ? [body] : body.chunks();
}

/** Largest chunk that is sent at once, in bytes. */
export const SLICE_BYTES = 64 * 1024;

/** The chunks of a body, in order, each of at most `SLICE_BYTES` unless the source makes its own. */
export function* bodySlices(body: Body): Generator<Buffer> {
	if (body !== null && !Buffer.isBuffer(body) && body.slices !== undefined) yield* body.slices();
	else
		for (const chunk of bodyChunks(body))
			for (let at = 0; at < chunk.length; at += SLICE_BYTES) yield chunk.subarray(at, at + SLICE_BYTES);
}

/**
 * Largest decoded body, in bytes, stored or live: a body that inflates beyond it counts as a decompression bomb, and as
 * not decodable.
 */
export const DECODED_LIMIT = 64 * 1024 * 1024;

const codecs = lazily<typeof Zlib & Zstd>("node:zlib");

/** One content coding both ways. */
interface Coding {
	decode(bytes: Uint8Array, limit: number): Buffer;
	encode(bytes: Uint8Array): Buffer;
}

const plain: Coding = { decode: (bytes) => asBuffer(bytes), encode: (bytes) => asBuffer(bytes) };

const deflate: Coding = {
	// "deflate" is the zlib format (RFC 9110 section 8.4.1.2); some senders leave out its header
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
	[
		"deflateraw",
		{ decode: (bytes, limit) => deflate.decode(bytes, limit), encode: (bytes) => codecs().deflateRawSync(bytes) },
	],
	[
		"br",
		{
			decode: (bytes, limit) => codecs().brotliDecompressSync(bytes, { maxOutputLength: limit }),
			encode: (bytes) =>
				codecs().brotliCompressSync(bytes, { params: { [codecs().constants.BROTLI_PARAM_QUALITY]: 0 } }),
		},
	],
	["zstd", { decode: (bytes, limit) => zstdDecode(bytes, limit), encode: (bytes) => zstdEncode(bytes) }],
]);

/** Maximum number of codings of one body; no real body has so many. */
const MAX_CODINGS = 8;

/**
 * The codings that a Content-Encoding names, in the order in which they were applied (RFC 9110 section 8.4); null: one
 * is unknown, or there are more than `MAX_CODINGS`.
 */
function codingsOf(header: string): Coding[] | null {
	const names = header
		.split(",")
		.map((name) => name.trim().toLowerCase())
		.filter((name) => name !== "");
	const known = names.flatMap((name) => codings.get(name) ?? []);
	return known.length === names.length && known.length <= MAX_CODINGS ? known : null;
}

/**
 * Undoes a Content-Encoding. Returns the bytes unchanged if there is none or the body is empty.
 * @throws FlowtapeError FT_BAD_BODY if the coding is unknown, the bytes do not follow it, or they inflate beyond
 * `limit` bytes
 */
export function decodeBody(bytes: Buffer, coding: string | null, limit = DECODED_LIMIT): Buffer {
	if (coding === null || coding === "" || bytes.length === 0) return bytes;
	const applied = codingsOf(coding);
	if (applied === null)
		throw new FlowtapeError(
			"FT_BAD_BODY",
			`content-encoding "${coding}" is not one of ${[...codings.keys()].join(", ")}`,
		);
	try {
		// most decoders allocate a buffer before they check the limit
		if (limit === 0) throw tooLarge();
		collectDecodedBodies();
		const decoded = applied.reduceRight((coded, codec) => codec.decode(coded, limit), bytes);
		decodedBytes += decoded.length;
		return decoded;
	} catch (cause) {
		if (isTooLarge(cause)) decodedBytes += limit;
		const why = isTooLarge(cause) ? `it inflates beyond ${limit} bytes` : "the bytes are not valid in that coding";
		throw new FlowtapeError("FT_BAD_BODY", `the body cannot be decoded as "${coding}": ${why}`, { cause });
	}
}

/** Whether `decodeBody` failed only because the body inflates beyond the limit. */
export function inflatesTooMuch(error: unknown): boolean {
	return error instanceof FlowtapeError && isTooLarge(error.cause);
}

/** Bytes decoded since the last garbage collection that `collectDecodedBodies` started. */
let decodedBytes = 0;

/**
 * Starts a garbage collection after every `DECODED_LIMIT / 2` decoded bytes: V8 alone would let hundreds of megabytes
 * of decoded bodies pile up.
 */
function collectDecodedBodies(): void {
	if (decodedBytes < DECODED_LIMIT / 2) return;
	decodedBytes = 0;
	collectLargeBuffers();
}

/** Applies a Content-Encoding; null: the coding is unknown. */
export function encodeBody(bytes: Uint8Array, coding: string | null): Buffer | null {
	if (coding === null || coding === "") return asBuffer(bytes);
	return codingsOf(coding)?.reduce<Buffer>((encoded, codec) => codec.encode(encoded), asBuffer(bytes)) ?? null;
}

function isTooLarge(error: unknown): boolean {
	return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}

/** Node has zstd since 22.15. */
interface Zstd {
	zstdCompressSync?(bytes: Uint8Array): Buffer;
}

const zstdDecoder = lazily<typeof Fzstd>("fzstd");

/**
 * Loads the zstd decoder. A proxy calls this when it starts: later the process may have no file descriptor left, and
 * Node caches a failed load.
 */
export function loadCodings(): void {
	zstdDecoder();
}

/**
 * Decodes zstd without Node's own decoder, which stops after the first frame and, in Node 22, accepts truncated input.
 */
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
/** Window size that every decoder must support (RFC 9659), in bytes. */
const ZSTD_WINDOW = 8 * 1024 * 1024;

/**
 * Whether zstd frames declare more than `limit` bytes of content (RFC 8878 section 3.1.1), or a window larger than both
 * `limit` and `ZSTD_WINDOW`. The decoder allocates the declared size before it decodes anything, and copies all of it
 * with every block.
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
		// not a frame: the decoder reports it
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

/** Offset after the last block of a frame whose blocks begin at `from`. */
function endOfBlocks(bytes: Uint8Array, from: number): number {
	let at = from;
	for (let isLast = false; !isLast && at + 3 <= bytes.length; ) {
		const head = littleEndian(bytes, at, 3);
		isLast = (head & 1) !== 0;
		// an RLE block consists of one byte
		at += 3 + (((head >> 1) & 3) === 1 ? 1 : head >> 3);
	}
	return at;
}

const ZSTD_BLOCK = 128 * 1024;

/** Encodes with Node's encoder if there is one, else as one frame of uncompressed blocks (RFC 8878 section 3.1.1). */
function zstdEncode(bytes: Uint8Array): Buffer {
	const native = codecs().zstdCompressSync;
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
