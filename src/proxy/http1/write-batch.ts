// Collects the bytes for a socket and writes them once per turn of the event loop: a system call costs more than all
// other work on a small message. All sockets are written together: waking a reader costs as much again, and a reader of
// several connections is woken only once.
import type { Socket } from "node:net";
import type { ByteString } from "../../flow/bytes.ts";

/** Up to this size, copying parts into one buffer is cheaper than passing several to the kernel. Bytes. */
const COPY_LIMIT = 16 * 1024;
/**
 * Bytes that may wait in a socket before its writer should pause. Node's high water mark is so low that each chunk of a
 * large body would exceed it until the next turn, although the kernel has taken the chunk: the other side would be
 * paused and resumed for every chunk.
 */
const WAITING_LIMIT = 256 * 1024;

/** The buffer in which small parts are joined. It can be reused as soon as the kernel has copied it. */
let scratch = Buffer.allocUnsafeSlow(COPY_LIMIT);

/** The batches to be written at the end of this turn. */
let queue: WriteBatch[] = [];

function writeQueued(): void {
	const batches = queue;
	queue = [];
	for (const batch of batches) batch.write();
}

/** Collects heads and bodies for a socket. */
export class WriteBatch {
	readonly #socket: Socket;
	#parts: (ByteString | Buffer)[] = [];
	#size = 0;
	/** Whether the socket has passed all bytes so far directly to the kernel. A TLS socket never does. */
	#isDirect = true;
	#isQueued = false;

	constructor(socket: Socket) {
		this.#socket = socket;
	}

	get isEmpty(): boolean {
		return this.#parts.length === 0;
	}

	/** Whether the writer should pause. */
	get isFull(): boolean {
		return this.#socket.writableLength >= WAITING_LIMIT;
	}

	/**
	 * Writes the added parts now. Returns whether the socket accepts more; if not, the socket emits "drain" when it does.
	 */
	acceptsMore(): boolean {
		this.write();
		return this.#socket.writableLength === 0 || !this.#socket.writableNeedDrain;
	}

	add(part: ByteString | Buffer): void {
		this.#parts.push(part);
		this.#size += part.length;
	}

	/**
	 * Writes the added parts at the end of this turn, or now if they are large. Returns false if the writer should pause
	 * until the socket emits "drain".
	 */
	flush(): boolean {
		if (this.#size > COPY_LIMIT) this.write();
		else if (this.#parts.length > 0 && !this.#isQueued) {
			this.#isQueued = true;
			if (queue.push(this) === 1) setImmediate(writeQueued);
		}
		return !this.isFull;
	}

	/** Writes the added parts now. Call before the socket is closed or handed over. */
	write(): void {
		this.#isQueued = false;
		const parts = this.#parts;
		if (parts.length === 0) return;
		const size = this.#size;
		const socket = this.#socket;
		this.#parts = [];
		this.#size = 0;
		if (!socket.writable) return;
		if (parts.length === 1) writePart(socket, parts[0] as ByteString | Buffer);
		else if (size <= COPY_LIMIT) this.#writeCopy(parts, size);
		else writeParts(socket, parts);
	}

	#writeCopy(parts: readonly (ByteString | Buffer)[], size: number): void {
		const copy = this.#isDirect ? scratch.subarray(0, size) : Buffer.allocUnsafe(size);
		join(copy, parts);
		this.#socket.write(copy);
		if (!this.#isDirect || this.#socket.writableLength === 0) return;
		scratch = Buffer.allocUnsafeSlow(COPY_LIMIT);
		this.#isDirect = false;
	}
}

function writeParts(socket: Socket, parts: readonly (ByteString | Buffer)[]): void {
	socket.cork();
	for (const part of parts) writePart(socket, part);
	socket.uncork();
}

function writePart(socket: Socket, part: ByteString | Buffer): void {
	if (typeof part === "string") socket.write(part, "latin1");
	else socket.write(part);
}

function join(into: Buffer, parts: readonly (ByteString | Buffer)[]): void {
	let at = 0;
	for (const part of parts) {
		if (typeof part === "string") into.latin1Write(part, at);
		else into.set(part, at);
		at += part.length;
	}
}
