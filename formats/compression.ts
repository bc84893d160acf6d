// gzip, zlib and zstd for any format: detected by the first bytes when reading, chosen by the extension when writing.
import type { Transform } from "node:stream";
import { createDeflate, createDeflateRaw, createGunzip, createGzip, createInflate, createInflateRaw } from "node:zlib";
import type * as Fzstd from "fzstd";
import { FlowtapeError } from "../src/errors.ts";
import { lazily } from "../src/lazy.ts";

/** `deflate` is used in ZIP archives; it has no magic bytes. */
export type Compression = "gzip" | "zlib" | "zstd" | "deflate";

/** The compression of a file that begins with these bytes; null if there is none. */
export function sniffCompression(head: Buffer): Compression | null {
	const [first = 0, second = 0, third, fourth] = head;
	if (first === 0x1f && second === 0x8b) return "gzip";
	if (first === 0x28 && second === 0xb5 && third === 0x2f && fourth === 0xfd) return "zstd";
	// RFC 1950 section 2.2: deflate with a window of 32 KiB; the check bits make both bytes a multiple of 31
	return first === 0x78 && (first * 256 + second) % 31 === 0 ? "zlib" : null;
}

const EXTENSIONS: readonly (readonly [extension: string, compression: Compression])[] = [
	[".gz", "gzip"],
	[".zst", "zstd"],
	[".zhar", "zlib"],
];

/** The compression for a file name; null for none. */
export function compressionOf(path: string): Compression | null {
	const lower = path.toLowerCase();
	return EXTENSIONS.find(([extension]) => lower.endsWith(extension))?.[1] ?? null;
}

/** A path without its compression extension: `a.har` for `a.har.gz`. */
export function withoutCompression(path: string): string {
	return path.replace(/\.(?:gz|zst)$/i, "");
}

/** Compresses or decompresses a stream; each call returns the output available so far. */
export interface Coder {
	write(bytes: Uint8Array): Promise<Buffer[]>;
	/** Returns output that the coder has held back for better compression. */
	flush(): Promise<Buffer[]>;
	end(): Promise<Buffer[]>;
}

/** @throws FlowtapeError FT_USAGE if this version of Node cannot write it */
export function createCompressor(compression: Compression): Coder {
	if (compression === "gzip") return new StreamCoder(createGzip());
	if (compression === "zlib") return new StreamCoder(createDeflate());
	if (compression === "deflate") return new StreamCoder(createDeflateRaw());
	const { constants, createZstdCompress } = zlib();
	if (createZstdCompress === undefined)
		throw new FlowtapeError("FT_USAGE", `writing zstd needs Node 22.15 or later, found ${process.version}: use .gz`);
	// the zstd program writes a checksum too; without it, damage may go undetected
	return new StreamCoder(createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag as number]: 1 } }));
}

function createDecompressor(compression: Compression): Coder {
	if (compression === "gzip") return new StreamCoder(createGunzip());
	if (compression === "zlib") return new StreamCoder(createInflate());
	if (compression === "deflate") return new StreamCoder(createInflateRaw());
	return new FzstdDecoder();
}

/** Node has zstd since 22.15. */
interface Zstd {
	readonly constants: Readonly<Record<string, number>>;
	createZstdCompress?(options: object): Flushable;
}

const zlib = lazily<Zstd>("node:zlib");
const fzstd = lazily<typeof Fzstd>("fzstd");

/**
 * Maximum input bytes of one step. Small, because the output can be a thousand times larger, with zstd ten thousand
 * times.
 */
const STEP_BYTES: Readonly<Record<Compression, number>> = {
	gzip: 16 * 1024,
	zlib: 16 * 1024,
	deflate: 16 * 1024,
	zstd: 4 * 1024,
};

/**
 * Decompresses a stream. All output before damage is yielded before the error is thrown.
 * @param name of the input, for messages
 * @throws FlowtapeError FT_CORRUPT_FLOW with the offset in the compressed bytes
 */
export async function* decompress(
	chunks: AsyncIterable<Buffer>,
	compression: Compression,
	name: string,
): AsyncGenerator<Buffer> {
	const coder = createDecompressor(compression);
	let offset = 0;
	const step = async function* (work: () => Promise<Buffer[]>): AsyncGenerator<Buffer> {
		try {
			yield* await work();
		} catch (cause) {
			if (!(cause instanceof CodingError)) throw cause;
			yield* cause.before;
			const message = `${name}: byte ${offset}: the ${compression} data is damaged: ${cause.message}`;
			throw new FlowtapeError("FT_CORRUPT_FLOW", message, { file: name, offset, cause });
		}
	};
	for await (const chunk of chunks) {
		for (let at = 0; at < chunk.length; at += STEP_BYTES[compression]) {
			const piece = chunk.subarray(at, at + STEP_BYTES[compression]);
			yield* step(() => coder.write(piece));
			offset += piece.length;
		}
	}
	yield* step(() => coder.end());
}

/** Invalid compressed data, with the output before it. */
class CodingError extends Error {
	readonly before: readonly Buffer[];

	constructor(message: string, before: readonly Buffer[]) {
		super(message);
		this.before = before;
	}
}

type Flushable = Transform & { flush(callback: () => void): void };

/**
 * Drives a node:zlib stream step by step. The stream's own async iterator discards available output when an error
 * occurs.
 */
class StreamCoder implements Coder {
	readonly #stream: Flushable;
	#ready: Buffer[] = [];
	#isDone = false;
	#failure: Error | null = null;
	#settle: () => void = () => {};

	constructor(stream: Flushable) {
		this.#stream = stream;
		stream.on("data", (bytes: Buffer) => this.#ready.push(bytes));
		stream.on("end", () => {
			this.#isDone = true;
			this.#settle();
		});
		stream.on("error", (error) => {
			this.#failure = error;
			this.#settle();
		});
	}

	write(bytes: Uint8Array): Promise<Buffer[]> {
		// ignore data after the end of the compressed stream, as gzip does
		if (this.#isDone) return Promise.resolve([]);
		return this.#step((settle) => this.#stream.write(bytes, settle));
	}

	flush(): Promise<Buffer[]> {
		return this.#step((settle) => this.#stream.flush(settle));
	}

	end(): Promise<Buffer[]> {
		return this.#step((settle) => (this.#isDone ? settle() : this.#stream.end()));
	}

	async #step(start: (settle: () => void) => void): Promise<Buffer[]> {
		await new Promise<void>((settle) => {
			this.#settle = settle;
			start(settle);
		});
		const ready = this.#ready;
		this.#ready = [];
		if (this.#failure !== null) throw new CodingError(this.#failure.message, ready);
		return ready;
	}
}

/**
 * fzstd instead of Node's zstd decompressor, which stops after the first frame and, in Node 22, accepts truncated data.
 */
class FzstdDecoder implements Coder {
	readonly #stream: { push(bytes: Uint8Array, isLast?: boolean): void };
	#ready: Buffer[] = [];

	constructor() {
		const { Decompress } = fzstd();
		this.#stream = new Decompress((bytes) => this.#ready.push(Buffer.from(bytes)));
	}

	async write(bytes: Uint8Array): Promise<Buffer[]> {
		// fzstd keeps unused bytes, and the caller may overwrite its buffer: pass a copy
		return this.#push(Uint8Array.from(bytes), false);
	}

	async flush(): Promise<Buffer[]> {
		return [];
	}

	async end(): Promise<Buffer[]> {
		return this.#push(new Uint8Array(0), true);
	}

	#push(bytes: Uint8Array, isLast: boolean): Buffer[] {
		let failure: Error | null = null;
		try {
			this.#stream.push(bytes, isLast);
		} catch (error) {
			failure = error as Error;
		}
		const ready = this.#ready;
		this.#ready = [];
		if (failure !== null) throw new CodingError(failure.message, ready);
		return ready;
	}
}
