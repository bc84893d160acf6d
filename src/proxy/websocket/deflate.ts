// Compression of WebSocket messages (RFC 7692): parses the negotiated parameters, inflates and deflates.
import { deflateRawSync, inflateRawSync, type ZlibOptions, constants as zlib } from "node:zlib";
import { FlowtapeError } from "../../errors.ts";
import { NO_BYTES } from "../../flow/bytes.ts";
import type { Response } from "../../flow/message.ts";
import { MESSAGE_LIMIT } from "./message-reader.ts";

/** The compression parameters of one side. */
export interface Compression {
	/** Whether messages share one window ("context takeover"). */
	keepsContext: boolean;
	/** Base-2 logarithm of the window's size in bytes: 8 to 15. */
	windowBits: number;
}

/** The parameters of both sides in the server's response; null: no compression. */
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
		return {
			keepsContext: parameter(`${name}_no_context_takeover`) === undefined,
			windowBits: Math.min(15, Math.max(8, bits)),
		};
	};
	return { client: side("client"), server: side("server") };
}

/** The end of the last block, which is omitted on the wire (RFC 7692 section 7.2.1). */
const TAIL = Buffer.of(0, 0, 0xff, 0xff);

/**
 * The codec of one direction. If messages share a window, the end of the previous messages is passed to zlib as a
 * dictionary.
 */
abstract class Codec {
	protected readonly compression: Compression;
	#window = NO_BYTES;

	constructor(compression: Compression) {
		this.compression = compression;
	}

	protected get options(): ZlibOptions {
		const { windowBits } = this.compression;
		const options = { windowBits, finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: MESSAGE_LIMIT };
		return this.#window.length === 0 ? options : { ...options, dictionary: this.#window };
	}

	/** Adds a message to the window that the next one may refer to. */
	protected remember(content: Buffer): void {
		if (!this.compression.keepsContext) return;
		const size = 1 << this.compression.windowBits;
		// A copy, so that the window does not keep the whole message in memory.
		this.#window =
			content.length >= size
				? Buffer.from(content.subarray(-size))
				: Buffer.concat([this.#window, content]).subarray(-size);
	}
}

export class Inflater extends Codec {
	/** @throws FlowtapeError FT_BAD_BODY */
	inflate(payload: Buffer): Buffer {
		try {
			const content = inflateRawSync(Buffer.concat([payload, TAIL]), this.options);
			this.remember(content);
			return content;
		} catch (cause) {
			throw new FlowtapeError(
				"FT_BAD_BODY",
				`a compressed WebSocket message cannot be decoded: ${(cause as Error).message}`,
				{ cause },
			);
		}
	}
}

export class Deflater extends Codec {
	/**
	 * Whether it can compress: false for a window of 8 bits, which raw zlib does not support. Then messages are sent
	 * uncompressed.
	 */
	get isAble(): boolean {
		return this.compression.windowBits > 8;
	}

	deflate(content: Buffer): Buffer {
		const bytes = deflateRawSync(content, this.options);
		this.remember(content);
		return bytes.subarray(0, bytes.length - TAIL.length);
	}
}
