// Parses the messages of an HTTP/1.1 connection (RFC 9112). It uses no sockets: the caller feeds bytes, and a handler
// receives the messages.
import { FlowtapeError } from "../../errors.ts";
import { type ByteString, NO_BYTES } from "../../flow/bytes.ts";
import { BlockReader } from "./block.ts";
import { type ChunkLimits, ChunkReader } from "./chunked.ts";
import { protocolFault } from "./fault.ts";
import { type Framing, requestFraming, responseFraming } from "./framing.ts";
import type { RequestHead, ResponseHead } from "./head.ts";
import { Pieces } from "./pieces.ts";
import { type HeadLimits, readRequestHead, readResponseHead, readTrailers } from "./read-head.ts";

/**
 * Receives messages, one after another. A handler may call any method of the parser. Its errors are rethrown by the
 * parser's method that called it.
 */
export interface MessageHandler<Head> {
	/** Also called for interim responses (1xx), with framing "none"; `end` follows. */
	head(head: Head, framing: Framing): void;
	/**
	 * A part of the body, never empty; parts need not match the chunks on the wire. The parser does not reuse the memory.
	 */
	body(chunk: Buffer): void;
	/** The message is complete. `trailers`: name, value, … of a chunked body; null if there are none. */
	end(trailers: ByteString[] | null): void;
}

export interface ParserLimits extends HeadLimits, ChunkLimits {
	/** Most bytes of trailers. Default: 65536. */
	readonly trailerBytes: number;
}

export const defaultLimits: ParserLimits = {
	headBytes: 256 * 1024,
	fieldCount: 2000,
	extensionBytes: 16 * 1024,
	trailerBytes: 64 * 1024,
	lenient: false,
};

/** Created once: every tunnel detaches a parser, few feed it afterwards, and capturing a stack trace is expensive. */
const DETACHED = new FlowtapeError(
	"FT_PROTOCOL",
	"this connection is no longer read as HTTP/1.1: its parser was detached",
);

/** Chunks up to this size that arrive together are joined. Bytes. */
const JOINED_BYTES = 1024;

/** The part of a message to which the next byte belongs. */
const HEAD = 0;
const LENGTH = 1;
const CLOSE = 2;
const CHUNKS = 3;
const TRAILERS = 4;

/**
 * The common part of the parsers for requests and responses. After an error from `feed`, `resume` or `finish`, every
 * further call throws the same error.
 */
abstract class MessageParser<Head> {
	protected readonly limits: ParserLimits;
	readonly #handler: MessageHandler<Head>;
	readonly #block = new BlockReader();
	#chunks: ChunkReader | null = null;
	#state = HEAD;
	/** In state LENGTH: bytes of the body still to come. */
	#remaining = 0;
	/** The chunk being parsed, the offset in it, and the bytes that were fed meanwhile. */
	#chunk = NO_BYTES;
	#at = 0;
	readonly #waiting = new Pieces();
	#running = false;
	#paused = false;
	#ended = false;
	#fault: unknown = null;

	constructor(handler: MessageHandler<Head>, limits: Partial<ParserLimits> = {}) {
		this.#handler = handler;
		this.limits = { ...defaultLimits, ...limits };
	}

	/** @throws FlowtapeError FT_PROTOCOL if a message cannot begin with this byte */
	protected abstract checkFirstByte(firstByte: number): void;
	protected abstract readHead(text: ByteString): Head;
	/** Called once for each head, before the handler. */
	protected abstract framing(head: Head): Framing;
	/** The name of the message in errors. */
	protected abstract readonly what: string;

	/**
	 * Whether the parser is between messages and has no bytes left to read, so that the connection can be reused. Can be
	 * true within the handler's `end`.
	 */
	get idle(): boolean {
		return this.#state === HEAD && this.#block.isEmpty && this.#at >= this.#chunk.length && this.#waiting.size === 0;
	}

	/** The number of bytes of an unfinished head, or of unfinished trailers. */
	get heldBytes(): number {
		return this.#block.heldBytes;
	}

	/** The size of the last head or of the last trailers, finished or not. Bytes. */
	get blockBytes(): number {
		return this.#block.size;
	}

	/** The number of bytes that wait for `resume`. The parser sets no limit: pause the socket as well. */
	get waitingBytes(): number {
		return this.#chunk.length - this.#at + this.#waiting.size;
	}

	/**
	 * Parses bytes from the peer.
	 * @throws FlowtapeError FT_PROTOCOL
	 */
	feed(chunk: Buffer): void {
		if (this.#fault !== null) throw this.#fault;
		if (this.#running || this.#at < this.#chunk.length) this.#waiting.add(chunk);
		else {
			this.#chunk = chunk;
			this.#at = 0;
			this.#run();
		}
	}

	/**
	 * Call when the peer has closed its side. Ends a body that is delimited by the close.
	 * @throws FlowtapeError FT_PROTOCOL within any other message
	 */
	finish(): void {
		if (this.#fault !== null) throw this.#fault;
		this.#ended = true;
		if (!this.#running) this.#run();
	}

	/** Delivers no further head until `resume`; a message that has begun is delivered to its end. */
	pause(): void {
		this.#paused = true;
	}

	/**
	 * Parses the bytes that waited.
	 * @throws FlowtapeError FT_PROTOCOL
	 */
	resume(): void {
		if (this.#fault !== null) throw this.#fault;
		this.#paused = false;
		if (!this.#running) this.#run();
	}

	/**
	 * Stops parsing, for a connection that is no longer HTTP, and returns the unread bytes. The handler is not called
	 * again; `feed` throws.
	 */
	detach(): Buffer {
		const { held } = this.#block;
		const rest = this.#chunk.subarray(this.#at);
		const unread = held.length + this.#waiting.size === 0 ? rest : Buffer.concat([held, rest, ...this.#waiting.list]);
		this.#chunk = NO_BYTES;
		this.#at = 0;
		this.#waiting.clear();
		this.#ended = false;
		this.#fault ??= DETACHED;
		return unread;
	}

	#run(): void {
		this.#running = true;
		try {
			do {
				while (this.#at < this.#chunk.length) {
					if (this.#paused && this.#state === HEAD) return;
					this.#step();
				}
				this.#chunk = this.#waiting.take();
				this.#at = 0;
			} while (this.#chunk.length > 0);
			if (this.#ended) this.#close();
		} catch (error) {
			this.#fault ??= error;
			throw error;
		} finally {
			this.#running = false;
		}
	}

	/** Reads at least one byte. Sets `#at` before it calls the handler, and not afterwards: the handler may detach. */
	#step(): void {
		if (this.#state === HEAD) this.#readHead();
		else if (this.#state === LENGTH) this.#readLength();
		else if (this.#state === CHUNKS) this.#readChunks();
		else if (this.#state === TRAILERS) this.#readTrailers();
		else this.#emitBody(this.#chunk.length);
	}

	#readHead(): void {
		const { headBytes } = this.limits;
		const first = this.#chunk[this.#at] as number;
		// Empty lines before a message are skipped (RFC 9112 section 2.2).
		if (this.#block.isEmpty && first !== 13 && first !== 10) this.checkFirstByte(first);
		const text = this.#readBlock(`${this.what} head`, headBytes);
		if (text === null || text === "") return;
		const head = this.readHead(text);
		const framing = this.framing(head);
		if (framing.kind === "chunked") {
			this.#state = CHUNKS;
			this.#chunks = new ChunkReader(this.limits);
		} else if (framing.kind === "close") this.#state = CLOSE;
		else {
			this.#state = LENGTH;
			this.#remaining = framing.kind === "length" ? framing.length : 0;
		}
		this.#handler.head(head, framing);
		if (this.#state === LENGTH && this.#remaining === 0) this.#end(null);
	}

	#readLength(): void {
		const size = Math.min(this.#remaining, this.#chunk.length - this.#at);
		this.#remaining -= size;
		this.#emitBody(this.#at + size);
		if (this.#remaining === 0) this.#end(null);
	}

	#readChunks(): void {
		const chunks = this.#chunks as ChunkReader;
		const joined = this.#joinSmall(chunks);
		if (chunks.done) this.#state = TRAILERS;
		if (joined !== null) this.#handler.body(joined);
		else if (!chunks.done) {
			const size = chunks.takeData(this.#chunk.length - this.#at);
			if (size > 0) this.#emitBody(this.#at + size);
		}
	}

	/**
	 * Joins the data of small chunks, since handling a chunk costs the same for every size; null if the next chunk is not
	 * small.
	 */
	#joinSmall(chunks: ChunkReader): Buffer | null {
		const input = this.#chunk;
		let joined: Buffer | null = null;
		let size = 0;
		try {
			for (;;) {
				this.#at = chunks.readLine(input, this.#at);
				const length = Math.min(chunks.waiting, input.length - this.#at);
				if (length === 0 || length > JOINED_BYTES) break;
				joined ??= Buffer.allocUnsafe(input.length - this.#at);
				joined.set(input.subarray(this.#at, this.#at + length), size);
				size += length;
				this.#at += chunks.takeData(length);
			}
		} catch (error) {
			// Deliver the data before the error.
			if (joined !== null) this.#handler.body(joined.subarray(0, size));
			throw error;
		}
		if (joined === null) return null;
		return 2 * size > joined.length ? joined.subarray(0, size) : Buffer.from(joined.subarray(0, size));
	}

	#readTrailers(): void {
		const text = this.#readBlock(`${this.what} trailers`, this.limits.trailerBytes);
		if (text !== null) this.#end(text === "" ? null : readTrailers(text, this.limits));
	}

	/** The lines up to the next empty line; null if they continue in the next chunk. */
	#readBlock(where: string, limit: number): ByteString | null {
		const end = this.#block.read(this.#chunk, this.#at);
		if (this.#block.size > limit) throw protocolFault(where, `at most ${limit} bytes`, "more");
		this.#at = end < 0 ? this.#chunk.length : end;
		return end < 0 ? null : this.#block.text;
	}

	#emitBody(end: number): void {
		const { length } = this.#chunk;
		const data = this.#at === 0 && end === length ? this.#chunk : this.#chunk.subarray(this.#at, end);
		this.#at = end;
		this.#handler.body(data);
	}

	#end(trailers: ByteString[] | null): void {
		if (this.#fault !== null) return;
		this.#state = HEAD;
		this.#handler.end(trailers);
	}

	#close(): void {
		if (this.#state === CLOSE) this.#end(null);
		else if (this.#state === LENGTH) throw protocolFault(`${this.what} body`, `${this.#remaining} more bytes`, null);
		else if (this.#state === CHUNKS) throw protocolFault(`${this.what} body`, "a last chunk of size 0", null);
		else if (this.#state === TRAILERS) throw protocolFault(`${this.what} trailers`, "an empty line", null);
		else if (!this.#block.isEmpty) throw protocolFault(`${this.what} head`, "an empty line", null);
	}
}

/**
 * Parses requests. After a CONNECT it pauses itself: the next bytes may belong to a tunnel (`detach`) or to a further
 * request (`resume`).
 */
export class RequestParser extends MessageParser<RequestHead> {
	protected readonly what = "request";

	protected checkFirstByte(firstByte: number): void {
		// TLS or another protocol fails at its first byte, and not only at the end of a head.
		if (firstByte <= 32 || firstByte >= 127)
			throw protocolFault("request line", "a method", String.fromCharCode(firstByte));
	}

	protected readHead(text: ByteString): RequestHead {
		return readRequestHead(text, this.limits);
	}

	protected framing(head: RequestHead): Framing {
		if (head.method === "CONNECT") this.pause();
		return requestFraming(head, this.limits.lenient);
	}
}

/**
 * Parses responses. After status 101, and after 2xx to a CONNECT, it pauses itself; `detach` returns the unread bytes.
 */
export class ResponseParser extends MessageParser<ResponseHead> {
	protected readonly what = "response";
	#method: ByteString | null = null;

	/** Call before each response: the request's method decides whether it has a body. */
	expect(requestMethod: ByteString): void {
		this.#method = requestMethod;
	}

	protected checkFirstByte(firstByte: number): void {
		if (this.#method === null)
			throw protocolFault("response", "no bytes before the next request", String.fromCharCode(firstByte));
		if (firstByte !== 72) throw protocolFault("status line", '"HTTP/1.1"', String.fromCharCode(firstByte));
	}

	protected readHead(text: ByteString): ResponseHead {
		return readResponseHead(text, this.limits);
	}

	protected framing(head: ResponseHead): Framing {
		const method = this.#method as ByteString;
		const { status } = head;
		const isSwitch = status === 101 || (method === "CONNECT" && status >= 200 && status < 300);
		if (isSwitch) this.pause();
		if (status >= 200 || isSwitch) this.#method = null;
		return responseFraming(head, method, this.limits.lenient);
	}
}
