// Bytes of a connection → messages, for both sides of it (RFC 9112). No sockets: bytes are fed, and a handler hears of heads, data and ends.
import { FlowtapeError } from "../../errors.ts";
import type { ByteString } from "../../flow/bytes.ts";
import { BlockReader } from "./block.ts";
import { type ChunkLimits, ChunkReader } from "./chunked.ts";
import { protocolFault } from "./fault.ts";
import { type Framing, requestFraming, responseFraming } from "./framing.ts";
import type { RequestHead, ResponseHead } from "./head.ts";
import { type HeadLimits, readRequestHead, readResponseHead, readTrailers } from "./read-head.ts";

/** Hears of messages, one after another. It may call any method of the parser; what it throws comes out of `feed`. */
export interface MessageHandler<Head> {
	/** Interim responses (1xx) come here too, with framing "none" and followed by `end`. */
	head(head: Head, framing: Framing): void;
	/** Bytes of the body, never empty, in pieces that are not always its chunks. The parser keeps and reuses no memory: they stay as they are. */
	body(chunk: Buffer): void;
	/** The message is complete; `trailers` (name, value, …) are those of a chunked body, null where there are none. */
	end(trailers: ByteString[] | null): void;
}

export interface ParserLimits extends HeadLimits, ChunkLimits {
	/** Most bytes of trailers; 65536 unless given. */
	readonly trailerBytes: number;
}

export const defaultLimits: ParserLimits = { headBytes: 256 * 1024, fieldCount: 2000, extensionBytes: 16 * 1024, trailerBytes: 64 * 1024, lenient: false };

const EMPTY: Buffer = Buffer.alloc(0);

/** Made once: every tunnel detaches a parser, hardly any feeds it afterwards, and to note where an error arises takes long. */
const DETACHED = new FlowtapeError("FT_PROTOCOL", "this connection is no longer read as HTTP/1.1: its parser was detached");

/** The data of chunks up to this size is joined as far as it came together. Bytes. */
const JOINED_BYTES = 1024;

/** Where in a message the next byte stands. */
const HEAD = 0;
const LENGTH = 1;
const CLOSE = 2;
const CHUNKS = 3;
const TRAILERS = 4;

/** What both directions share. After a fault, thrown by `feed`, `resume` or `finish`, every further call throws it again. */
abstract class MessageParser<Head> {
	protected readonly limits: ParserLimits;
	readonly #handler: MessageHandler<Head>;
	readonly #block = new BlockReader();
	#chunks: ChunkReader | null = null;
	#state = HEAD;
	/** Bytes of the body to come in state LENGTH. */
	#remaining = 0;
	/** The input being read, from `#at` on, and what was fed meanwhile. */
	#chunk = EMPTY;
	#at = 0;
	#waiting: Buffer[] = [];
	#running = false;
	#paused = false;
	#ended = false;
	#fault: unknown = null;

	constructor(handler: MessageHandler<Head>, limits: Partial<ParserLimits> = {}) {
		this.#handler = handler;
		this.limits = { ...defaultLimits, ...limits };
	}

	/** Throws where the first byte of a message is out of place. */
	protected abstract begin(firstByte: number): void;
	protected abstract readHead(text: ByteString): Head;
	/** Called once for each head, before the handler hears of it. */
	protected abstract framing(head: Head): Framing;
	/** What a fault calls the message. */
	protected abstract readonly what: string;

	/** Between messages with nothing left to read: the connection can be used again. True within `end` if so. */
	get idle(): boolean {
		return this.#state === HEAD && this.#block.isEmpty && this.#at >= this.#chunk.length && this.#waiting.length === 0;
	}

	/** Bytes that wait for `resume`. They are kept without bound: pause the socket as well. */
	get waitingBytes(): number {
		return this.#waiting.reduce((sum, { length }) => sum + length, this.#chunk.length - this.#at);
	}

	/** Reads bytes from the peer. Throws `FT_PROTOCOL`. */
	feed(chunk: Buffer): void {
		if (this.#fault !== null) throw this.#fault;
		if (this.#running || this.#at < this.#chunk.length) this.#waiting.push(chunk);
		else {
			this.#chunk = chunk;
			this.#at = 0;
			this.#run();
		}
	}

	/** The peer has closed its side. Ends a body that is delimited so; throws `FT_PROTOCOL` within any other message, nothing between messages. */
	finish(): void {
		if (this.#fault !== null) throw this.#fault;
		this.#ended = true;
		if (!this.#running) this.#run();
	}

	/** No head is delivered until `resume`; a message that has begun goes on to its end. */
	pause(): void {
		this.#paused = true;
	}

	/** Reads what has waited. Throws as `feed`. */
	resume(): void {
		if (this.#fault !== null) throw this.#fault;
		this.#paused = false;
		if (!this.#running) this.#run();
	}

	/** The bytes that have not been read, for a connection that is no longer HTTP. The handler hears nothing more, and nothing can be fed. */
	detach(): Buffer {
		const { held } = this.#block;
		const rest = this.#chunk.subarray(this.#at);
		const unread = held.length + this.#waiting.length === 0 ? rest : Buffer.concat([held, rest, ...this.#waiting]);
		this.#chunk = EMPTY;
		this.#at = 0;
		this.#waiting = [];
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
				this.#chunk = this.#waiting.shift() ?? EMPTY;
				this.#at = 0;
			} while (this.#chunk.length > 0 || this.#waiting.length > 0);
			if (this.#ended) this.#close();
		} catch (error) {
			this.#fault ??= error;
			throw error;
		} finally {
			this.#running = false;
		}
	}

	/** Reads at least one byte. `#at` is set before the handler is called, and not touched afterwards: the handler may detach. */
	#step(): void {
		if (this.#state === HEAD) this.#readHead();
		else if (this.#state === LENGTH) this.#readLength();
		else if (this.#state === CHUNKS) this.#readChunks();
		else if (this.#state === TRAILERS) this.#readTrailers();
		else this.#give(this.#chunk.length);
	}

	#readHead(): void {
		const { headBytes } = this.limits;
		const first = this.#chunk[this.#at] as number;
		// Empty lines before a message are skipped (RFC 9112 section 2.2).
		if (this.#block.isEmpty && first !== 13 && first !== 10) this.begin(first);
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
		this.#give(this.#at + size);
		if (this.#remaining === 0) this.#end(null);
	}

	#readChunks(): void {
		const chunks = this.#chunks as ChunkReader;
		const joined = this.#joinSmall(chunks);
		if (chunks.done) this.#state = TRAILERS;
		if (joined !== null) this.#handler.body(joined);
		else if (!chunks.done) {
			const size = chunks.take(this.#chunk.length - this.#at);
			if (size > 0) this.#give(this.#at + size);
		}
	}

	/** The data of small chunks as one piece, as each costs the same as a large one; null where the next data is no small chunk's. */
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
				this.#at += chunks.take(length);
			}
		} catch (error) {
			// What came before the fault has come.
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

	/** The lines up to the next empty one, null where they go on in the next chunk. */
	#readBlock(where: string, limit: number): ByteString | null {
		const end = this.#block.read(this.#chunk, this.#at);
		if (this.#block.size > limit) throw protocolFault(where, `at most ${limit} bytes`, "more");
		this.#at = end < 0 ? this.#chunk.length : end;
		return end < 0 ? null : this.#block.text;
	}

	#give(end: number): void {
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

/** Reads what a client sends. After a CONNECT it pauses by itself: what follows may be for a tunnel (`detach`) or a further request (`resume`). */
export class RequestParser extends MessageParser<RequestHead> {
	protected readonly what = "request";

	protected begin(firstByte: number): void {
		// Not to wait for the end of a head in what is TLS, or another protocol, from its first byte.
		if (firstByte <= 32 || firstByte >= 127) throw protocolFault("request line", "a method", String.fromCharCode(firstByte));
	}

	protected readHead(text: ByteString): RequestHead {
		return readRequestHead(text, this.limits);
	}

	protected framing(head: RequestHead): Framing {
		if (head.method === "CONNECT") this.pause();
		return requestFraming(head, this.limits.lenient);
	}
}

/** Reads what a server sends. After status 101, and 2xx to a CONNECT, it stops: the rest is for `detach`. */
export class ResponseParser extends MessageParser<ResponseHead> {
	protected readonly what = "response";
	#method: ByteString | null = null;

	/** To be called before each response: the method of its request says whether it has a body. */
	expect(requestMethod: ByteString): void {
		this.#method = requestMethod;
	}

	protected begin(firstByte: number): void {
		if (this.#method === null) throw protocolFault("response", "no bytes before the next request", String.fromCharCode(firstByte));
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
