// Content codings (RFC 9110 section 8.4) of bodies that pass in pieces, or are too large for memory. Works without
// promises, because a body is stored piece by piece while it passes.
import type * as Zlib from "node:zlib";
import { FlowtapeError } from "../errors.ts";
import { lazily } from "../lazy.ts";
import { DECODED_LIMIT, decodeBody, encodeBody } from "./body.ts";

/** Receives bytes in pieces and passes on the result, also in pieces. */
export interface ByteStream {
	write(piece: Buffer): void;
	/** Passes on the rest. */
	end(): void;
}

/** Receives the results of a stream. */
export type Push = (piece: Buffer) => void;

/** A body counts as a decompression bomb if it inflates beyond `DECODED_LIMIT` and to more than this times its size. */
const RATIO_LIMIT = 50;

/** Bytes that are decoded at a time: the output can be a thousand times larger. */
const STEP_BYTES = 16 * 1024;

const zlib = lazily<typeof Zlib>("node:zlib");

/** Both directions of a coding. */
interface Coding {
	decoder(next: ByteStream): ByteStream;
	encoder(next: ByteStream): ByteStream;
}

const gzip: Coding = {
	decoder: (next) => new EngineStream(() => zlib().createUnzip(), next),
	encoder: (next) => new EngineStream(() => zlib().createGzip({ level: 1 }), next),
};

const codings: ReadonlyMap<string, Coding> = new Map(
	Object.entries({
		gzip,
		"x-gzip": gzip,
		deflate: {
			// some senders leave out the header of zlib
			decoder: (next) =>
				new EngineStream((first) => (isZlib(first) ? zlib().createInflate() : zlib().createInflateRaw()), next),
			encoder: (next) => new EngineStream(() => zlib().createDeflate(), next),
		},
		deflateraw: {
			decoder: (next) => new EngineStream(() => zlib().createInflateRaw(), next),
			encoder: (next) => new EngineStream(() => zlib().createDeflateRaw(), next),
		},
		br: {
			decoder: (next) =>
				new EngineStream(() => zlib().createBrotliDecompress(), next, zlib().constants.BROTLI_OPERATION_FINISH),
			encoder: (next) =>
				new EngineStream(
					() => zlib().createBrotliCompress({ params: { [zlib().constants.BROTLI_PARAM_QUALITY]: 0 } }),
					next,
					zlib().constants.BROTLI_OPERATION_FINISH,
				),
		},
		zstd: {
			decoder: (next) => new WholeStream((bytes) => decodeBody(bytes, "zstd"), next),
			encoder: (next) => new WholeStream((bytes) => encodeBody(bytes, "zstd") as Buffer, next),
		},
	} satisfies Record<string, Coding>),
);

/** Whether bytes begin a stream of zlib (RFC 1950 section 2.2). */
function isZlib([first = 0, second = 0]: Buffer): boolean {
	return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}

/** The names of the codings in the order in which they were applied; without those that change nothing. */
function namesOf(coding: string | null): string[] {
	const names = (coding ?? "").split(",").map((name) => name.trim().toLowerCase());
	return names.filter((name) => name !== "" && name !== "identity" && name !== "none");
}

/**
 * Decodes a body that passes in pieces. Bodies in zstd are held in memory, up to `DECODED_LIMIT`. The methods of the
 * stream throw FT_BAD_BODY if the bytes do not follow the coding, or are a decompression bomb.
 * @throws FlowtapeError FT_BAD_BODY if the coding is unknown
 */
export function decodingStream(coding: string | null, push: Push): ByteStream {
	const names = namesOf(coding);
	if (names.length === 0) return new PlainStream(push);
	// reports an unknown coding
	if (names.some((name) => !codings.has(name))) decodeBody(Buffer.of(0), coding);
	return new GuardedStream(coding ?? "", push, (last) =>
		names.reduce<ByteStream>((next, name) => (codings.get(name) as Coding).decoder(next), last),
	);
}

/** Applies the codings of a Content-Encoding to a body that passes in pieces. */
export function encodingStream(coding: string | null, push: Push): ByteStream {
	return namesOf(coding).reduceRight<ByteStream>(
		(next, name) => codings.get(name)?.encoder(next) ?? next,
		new PlainStream(push),
	);
}

class PlainStream implements ByteStream {
	readonly write: Push;

	constructor(push: Push) {
		this.write = push;
	}

	end(): void {}
}

/** Reports decompression bombs, and errors of the decoders in words. */
class GuardedStream implements ByteStream {
	readonly #coding: string;
	readonly #decoder: ByteStream;
	#coded = 0;
	#decoded = 0;

	constructor(coding: string, push: Push, decoderTo: (last: ByteStream) => ByteStream) {
		this.#coding = coding;
		this.#decoder = decoderTo(
			new PlainStream((piece) => {
				this.#decoded += piece.length;
				if (this.#decoded > DECODED_LIMIT && this.#decoded > RATIO_LIMIT * this.#coded)
					throw this.#error(`it inflates to more than ${RATIO_LIMIT} times its size`);
				if (piece.length > 0) push(piece);
			}),
		);
	}

	write(piece: Buffer): void {
		for (let at = 0; at < piece.length; at += STEP_BYTES) {
			const step = piece.subarray(at, at + STEP_BYTES);
			this.#coded += step.length;
			this.#attempt(() => this.#decoder.write(step));
		}
	}

	end(): void {
		this.#attempt(() => this.#decoder.end());
	}

	#attempt(run: () => void): void {
		try {
			run();
		} catch (cause) {
			if (!(cause instanceof CodingError)) throw cause;
			throw this.#error("the bytes are not valid in that coding", cause);
		}
	}

	#error(why: string, cause?: unknown): FlowtapeError {
		return new FlowtapeError("FT_BAD_BODY", `the body cannot be decoded as "${this.#coding}": ${why}`, { cause });
	}
}

/** Bytes that do not follow their coding. */
class CodingError extends Error {}

/** The functions of an engine of zlib that work without a callback. */
type Engine = Zlib.Gzip & {
	_handle: { close(): void } | null;
	_processChunk(chunk: Buffer, flush: number): Buffer;
};

/** Runs an engine of zlib piece by piece. */
class EngineStream implements ByteStream {
	readonly #create: (first: Buffer) => unknown;
	readonly #next: ByteStream;
	/** The operation that ends a stream. */
	readonly #finish: number;
	#engine: Engine | null = null;
	/** The first byte, which alone does not tell the engine. */
	#first: Buffer | null = null;

	/** @param create creates the engine for a body with this first piece */
	constructor(create: (first: Buffer) => unknown, next: ByteStream, finish = zlib().constants.Z_FINISH) {
		this.#create = create;
		this.#next = next;
		this.#finish = finish;
	}

	write(piece: Buffer): void {
		const bytes = this.#first === null ? piece : Buffer.concat([this.#first, piece]);
		this.#first = null;
		if (bytes.length === 1 && this.#engine === null) this.#first = Buffer.from(bytes);
		else if (bytes.length > 0) this.#run(bytes, zlib().constants.Z_NO_FLUSH);
	}

	end(): void {
		// an empty body has no coding
		if (this.#engine !== null || this.#first !== null) {
			this.#run(this.#first ?? Buffer.alloc(0), this.#finish);
			this.#engine?.close();
		}
		this.#next.end();
	}

	/** Node closes the handle of an engine after each call without a callback, as if there were only one piece. */
	#run(piece: Buffer, operation: number): void {
		this.#engine ??= this.#create(piece) as Engine;
		const engine = this.#engine;
		const handle = engine._handle;
		if (handle === null) throw new CodingError("bytes after an error");
		const { close } = handle;
		let output: Buffer;
		handle.close = () => {};
		try {
			output = engine._processChunk(piece, operation);
		} catch (cause) {
			throw new CodingError(cause instanceof Error ? cause.message : "", { cause });
		} finally {
			engine._handle = handle;
			handle.close = close;
			engine.removeAllListeners("error");
			// the engine emits an error again later
			engine.on("error", () => {});
		}
		// the engine uses the memory of its output again
		if (output.length > 0) this.#next.write(Buffer.from(output));
	}
}

/** Collects a body, for a coding without an engine. */
class WholeStream implements ByteStream {
	readonly #convert: (bytes: Buffer) => Buffer;
	readonly #next: ByteStream;
	#pieces: Buffer[] = [];
	#size = 0;

	constructor(convert: (bytes: Buffer) => Buffer, next: ByteStream) {
		this.#convert = convert;
		this.#next = next;
	}

	write(piece: Buffer): void {
		this.#size += piece.length;
		if (this.#size > DECODED_LIMIT) throw new CodingError("too large");
		// the memory of a piece may be used again
		this.#pieces.push(Buffer.from(piece));
	}

	end(): void {
		const converted = this.#convert(Buffer.concat(this.#pieces));
		this.#pieces = [];
		this.#next.write(converted);
		this.#next.end();
	}
}
