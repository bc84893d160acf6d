// Compression of WebSocket messages (RFC 7692): what the two sides have agreed on, and both ways through zlib.
import { deflateRawSync, inflateRawSync, type ZlibOptions, constants as zlib } from "node:zlib";
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
const INFLATED_LIMIT = 64 * 1024 * 1024;

const EMPTY: Buffer = Buffer.alloc(0);

/** One direction, message after message. What was said before is given to zlib as a dictionary, which is what a kept context is. */
abstract class Codec {
	protected readonly compression: Compression;
	#window = EMPTY;

	constructor(compression: Compression) {
		this.compression = compression;
	}

	protected get options(): ZlibOptions {
		const { windowBits } = this.compression;
		const options = { windowBits, finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: INFLATED_LIMIT };
		return this.#window.length === 0 ? options : { ...options, dictionary: this.#window };
	}

	/** What the next message may refer to. */
	protected remember(content: Buffer): void {
		if (!this.compression.keepsContext) return;
		const size = 1 << this.compression.windowBits;
		// a copy: the message must not live as long as its end
		this.#window = content.length >= size ? Buffer.from(content.subarray(-size)) : Buffer.concat([this.#window, content]).subarray(-size);
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
			throw new FlowtapeError("FT_BAD_BODY", `a compressed WebSocket message cannot be decoded: ${(cause as Error).message}`, { cause });
		}
	}
}

export class Deflater extends Codec {
	/** zlib has no raw window of this size; what cannot be compressed as agreed is sent as it is. */
	get isAble(): boolean {
		return this.compression.windowBits > 8;
	}

	deflate(content: Buffer): Buffer {
		const bytes = deflateRawSync(content, this.options);
		this.remember(content);
		return bytes.subarray(0, bytes.length - TAIL.length);
	}
}
