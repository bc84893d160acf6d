// Compression of WebSocket messages (RFC 7692): what the two sides have agreed on, and the two ways through zlib with the context kept.
import { createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw, constants as zlib } from "node:zlib";
import { FlowtapeError } from "../../errors.ts";
import type { Response } from "../../flow/message.ts";

/** How one side compresses. */
export interface Compression {
	/** Each message goes on with the window of the one before. */
	keepsContext: boolean;
	/** Size of the window, as its logarithm. */
	windowBits: number;
}

/** What the server's answer says of both sides; null: nothing is compressed. */
export function compressionOf({ headers }: Response): { client: Compression; server: Compression } | null {
	const offer = headers
		.getAll("sec-websocket-extensions")
		.flatMap((value) => value.split(","))
		.map((value) => value.split(";").map((part) => part.trim()))
		.find(([name]) => name?.toLowerCase() === "permessage-deflate");
	if (offer === undefined) return null;
	const parameter = (name: string) => offer.find((part) => part === name || part.startsWith(`${name}=`));
	const side = (name: string): Compression => {
		const bits = Number(/=\s*"?(\d+)"?$/.exec(parameter(`${name}_max_window_bits`) ?? "")?.[1] ?? 15);
		return { keepsContext: parameter(`${name}_no_context_takeover`) === undefined, windowBits: Math.min(15, Math.max(8, bits)) };
	};
	return { client: side("client"), server: side("server") };
}

/** Ends the last block, and is left out on the wire (RFC 7692 section 7.2.1). */
const TAIL = Buffer.of(0, 0, 0xff, 0xff);

/** A message that inflates to more is no message but a bomb. Bytes. */
const INFLATED_LIMIT = 256 * 1024 * 1024;

/** One direction, message after message. Each has to be awaited before the next. */
abstract class Codec<Stream extends InflateRaw | DeflateRaw> {
	protected readonly compression: Compression;
	#stream: Stream | null = null;

	constructor(compression: Compression) {
		this.compression = compression;
	}

	protected abstract create(): Stream;

	close(): void {
		this.#stream?.close();
		this.#stream = null;
	}

	protected async run(...parts: Buffer[]): Promise<Buffer> {
		if (!this.compression.keepsContext || this.#stream?.readableEnded) this.close();
		this.#stream ??= this.create();
		try {
			return await through(this.#stream, parts);
		} catch (error) {
			this.close();
			throw error;
		}
	}
}

export class Inflater extends Codec<InflateRaw> {
	protected create(): InflateRaw {
		return createInflateRaw({ windowBits: this.compression.windowBits });
	}

	/** @throws FlowtapeError FT_BAD_BODY */
	inflate(payload: Buffer): Promise<Buffer> {
		return this.run(payload, TAIL);
	}
}

export class Deflater extends Codec<DeflateRaw> {
	/** zlib has no raw window of this size; what cannot be compressed as agreed is sent as it is. */
	get isAble(): boolean {
		return this.compression.windowBits > 8;
	}

	protected create(): DeflateRaw {
		return createDeflateRaw({ windowBits: this.compression.windowBits });
	}

	async deflate(content: Buffer): Promise<Buffer> {
		const bytes = await this.run(content);
		return bytes.subarray(0, bytes.length - TAIL.length);
	}
}

function through(stream: InflateRaw | DeflateRaw, parts: readonly Buffer[]): Promise<Buffer> {
	return new Promise((resolve, reject) => {
		const chunks: Buffer[] = [];
		let size = 0;
		const settle = (error: Error | null) => {
			stream.removeListener("data", onData).removeListener("error", settle).removeListener("end", onEnd);
			if (error === null) resolve(Buffer.concat(chunks, size));
			else {
				stream.on("error", () => {});
				reject(new FlowtapeError("FT_BAD_BODY", `a compressed WebSocket message cannot be decoded: ${error.message}`, { cause: error }));
			}
		};
		const onData = (chunk: Buffer) => {
			chunks.push(chunk);
			size += chunk.length;
			if (size > INFLATED_LIMIT) settle(new Error(`it has more than ${INFLATED_LIMIT} bytes`));
		};
		const onEnd = () => settle(null);
		stream.on("data", onData).once("error", settle).once("end", onEnd);
		for (const part of parts) stream.write(part);
		stream.flush(zlib.Z_SYNC_FLUSH, () => settle(null));
	});
}
