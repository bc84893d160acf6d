// What goes to a socket within one turn of the event loop, written at once: a system call costs more than all the rest of a small message.
// All sockets are written to at the end of the turn, one after the other: the kernel wakes whoever reads them, which costs as much again, and
// who is awake by the first of several answers need not be woken for the others.
import type { Socket } from "node:net";
import type { ByteString } from "../../flow/bytes.ts";

/** Up to this size copying into one buffer is cheaper than handing several to the kernel. Bytes. */
const COPY_LIMIT = 16 * 1024;
/**
 * What may wait in a socket before its writer should stop. Bytes. The mark of streams is so low that each piece of a large body would pass
 * it until the next turn, though the kernel has taken it at once: then the other side would be stopped and started for every piece.
 */
const WAITING_LIMIT = 256 * 1024;

/** Where parts are joined. What the kernel has taken leaves it free for the next ones. */
let scratch = Buffer.allocUnsafeSlow(COPY_LIMIT);

/** Those that are written at the end of this turn. */
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
	/** Whether the socket has handed to the kernel at once what was written so far: one of TLS never does. */
	#isDirect = true;
	#isQueued = false;

	constructor(socket: Socket) {
		this.#socket = socket;
	}

	get isEmpty(): boolean {
		return this.#parts.length === 0;
	}

	/** Whether the socket has enough for now. */
	get isFull(): boolean {
		return this.#socket.writableLength >= WAITING_LIMIT;
	}

	/** Writes what was added; whether it takes more at once. Where it does not, the socket tells by "drain" when it does. */
	takesMore(): boolean {
		this.write();
		return this.#socket.writableLength === 0 || !this.#socket.writableNeedDrain;
	}

	add(part: ByteString | Buffer): void {
		this.#parts.push(part);
		this.#size += part.length;
	}

	/**
	 * Writes what was added, when this turn ends, or now where it is much. False: the socket has enough for now and tells by "drain" when it
	 * wants more.
	 */
	flush(): boolean {
		if (this.#size > COPY_LIMIT) this.write();
		else if (this.#parts.length > 0 && !this.#isQueued) {
			this.#isQueued = true;
			if (queue.push(this) === 1) setImmediate(writeQueued);
		}
		return !this.isFull;
	}

	/** Writes what was added now, before the socket is closed or given to somebody else. */
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
