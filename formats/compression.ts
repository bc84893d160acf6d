// gzip, zlib and zstd around any format: told by the first bytes when reading, by the extension when writing.
import { createRequire } from "node:module";
import type { Transform } from "node:stream";
import { createDeflate, createDeflateRaw, createGunzip, createGzip, createInflate, createInflateRaw } from "node:zlib";
import { FlowtapeError } from "../src/errors.ts";

/** `deflate` is what ZIP archives have, without a head by which it could be told. */
export type Compression = "gzip" | "zlib" | "zstd" | "deflate";

/** How a file that begins like this is compressed; null where it is not. */
export function sniffCompression(head: Buffer): Compression | null {
	const [first = 0, second = 0, third, fourth] = head;
	if (first === 0x1f && second === 0x8b) return "gzip";
	if (first === 0x28 && second === 0xb5 && third === 0x2f && fourth === 0xfd) return "zstd";
	// RFC 1950 section 2.2: deflate with a window of 32 KiB, and a check over both bytes
	return first === 0x78 && (first * 256 + second) % 31 === 0 ? "zlib" : null;
}

const EXTENSIONS: readonly (readonly [extension: string, compression: Compression])[] = [
	[".gz", "gzip"],
	[".zst", "zstd"],
	[".zhar", "zlib"],
];

/** How a file of this name is to be compressed; null: not at all. */
export function compressionOf(path: string): Compression | null {
	const lower = path.toLowerCase();
	return EXTENSIONS.find(([extension]) => lower.endsWith(extension))?.[1] ?? null;
}

/** A path without the extension that stands for nothing but compression: `a.har` for `a.har.gz`. */
export function withoutCompression(path: string): string {
	return path.replace(/\.(?:gz|zst)$/i, "");
}

/** Takes bytes piece by piece and gives what becomes of them. */
export interface Coder {
	write(bytes: Uint8Array): Promise<Buffer[]>;
	/** What of the pieces so far can only be had when nothing is waited for; costs a little compression. */
	flush(): Promise<Buffer[]>;
	end(): Promise<Buffer[]>;
}

/** @throws FlowtapeError FT_USAGE where this version of Node cannot write it */
export function createCompressor(compression: Compression): Coder {
	if (compression === "gzip") return new StreamCoder(createGzip());
	if (compression === "zlib") return new StreamCoder(createDeflate());
	if (compression === "deflate") return new StreamCoder(createDeflateRaw());
	const { constants, createZstdCompress } = createRequire(import.meta.url)("node:zlib") as Zstd;
	if (createZstdCompress === undefined) throw new FlowtapeError("FT_USAGE", `zstd is written from Node 22.15 on, this is ${process.version}: use .gz`);
	// as the zstd program does: without a checksum damage may pass for data
	return new StreamCoder(createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag as number]: 1 } }));
}

function createDecompressor(compression: Compression): Coder {
	if (compression === "gzip") return new StreamCoder(createGunzip());
	if (compression === "zlib") return new StreamCoder(createInflate());
	if (compression === "deflate") return new StreamCoder(createInflateRaw());
	return new FzstdDecoder();
}

/** Node has zstd from 22.15 on. */
interface Zstd {
	readonly constants: Readonly<Record<string, number>>;
	createZstdCompress?(options: object): Flushable;
}

/** Bytes that are decompressed in one go: small, because a few of them can become a thousand times as many, or ten thousand with zstd. */
const STEP_BYTES: Readonly<Record<Compression, number>> = { gzip: 16 * 1024, zlib: 16 * 1024, deflate: 16 * 1024, zstd: 4 * 1024 };

/**
 * Decompresses as the chunks come. Everything before damage is given before the error.
 * @param name as messages name the input
 * @throws FlowtapeError FT_CORRUPT_FLOW with the offset in the compressed bytes
 */
export async function* decompress(chunks: AsyncIterable<Buffer>, compression: Compression, name: string): AsyncGenerator<Buffer> {
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

/** The bytes are not what the coding allows; what came of those before is at hand. */
class CodingError extends Error {
	readonly before: readonly Buffer[];

	constructor(message: string, before: readonly Buffer[]) {
		super(message);
		this.before = before;
	}
}

type Flushable = Transform & { flush(callback: () => void): void };

/** A coder of node:zlib, driven step by step: its own iterator forgets what it had ready when an error comes. */
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
		// behind the end of the compressed data anything may stand; gzip calls it trailing garbage and goes by it
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

/** Not with Node's own zstd, which stops after the first frame, and in Node 22 takes what is cut off for whole. */
class FzstdDecoder implements Coder {
	readonly #stream: { push(bytes: Uint8Array, isLast?: boolean): void };
	#ready: Buffer[] = [];

	constructor() {
		const { Decompress } = createRequire(import.meta.url)("fzstd") as typeof import("fzstd");
		this.#stream = new Decompress((bytes) => this.#ready.push(Buffer.from(bytes)));
	}

	async write(bytes: Uint8Array): Promise<Buffer[]> {
		// it keeps what it cannot use yet, and the bytes may be written over
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
