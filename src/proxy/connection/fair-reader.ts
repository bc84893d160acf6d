// Reads a socket in turns with other sockets. Node reads as long as there are bytes, so many senders could prolong one
// turn of the event loop without end.
import type { Duplex } from "node:stream";

/**
 * The time for received bytes of all sockets in one turn of the event loop. After that, each socket that delivers bytes
 * is paused until the next turn. Milliseconds.
 */
const TURN_MS = 10;

/**
 * When the first bytes were processed in this turn, in milliseconds of `performance.now()`; null: none were. What Node
 * does between two sockets counts too, such as decoding heads of HTTP/2.
 */
let beganAt: number | null = null;

/**
 * Calls `work`, which processes received bytes. Returns whether the time of this turn is used up: then do not read
 * their socket again before the next turn of the event loop.
 */
export function exceedsTurn(work: () => void): boolean {
	beginTurn();
	work();
	return isTurnOver();
}

function beginTurn(): void {
	if (beganAt !== null) return;
	beganAt = performance.now();
	setImmediate(endTurn);
}

function endTurn(): void {
	beganAt = null;
}

/** Whether the time of this turn is used up. */
export function isTurnOver(): boolean {
	return beganAt !== null && performance.now() - beganAt > TURN_MS;
}

/**
 * While clients are accepted, work that waits lets this much time pass before it takes the next turn: Node accepts one
 * connection in each turn of the event loop, so turns must be short while more of them wait. Milliseconds.
 */
const ACCEPTING_MS = 50;

/** Whether a connection was accepted since the last turn. */
let isAccepting = false;
/** When waiting work had its last turn. Milliseconds. */
let startedAt = 0;

/** Call for each accepted connection. */
export function noteAccepted(): void {
	isAccepting = true;
}

/** Work that waits for its turn. */
class WaitingWork {
	/** The work of each group, and its groups. The group whose turn is next is first. */
	readonly #groups = new Map<string, WaitingWork>();
	/** The newest is last. */
	readonly #ungrouped: (() => void)[] = [];
	#takesNewest = false;

	get isEmpty(): boolean {
		return this.#groups.size === 0 && this.#ungrouped.length === 0;
	}

	add(work: () => void, [group, ...inner]: readonly string[]): void {
		if (group === undefined) {
			this.#ungrouped.push(work);
			return;
		}
		const own = this.#groups.get(group) ?? new WaitingWork();
		this.#groups.set(group, own);
		own.add(work, inner);
	}

	takeNext(): (() => void) | undefined {
		for (const [group, own] of this.#groups) {
			const work = own.takeNext();
			this.#groups.delete(group);
			if (!own.isEmpty) this.#groups.set(group, own);
			return work;
		}
		this.#takesNewest = !this.#takesNewest;
		return this.#takesNewest ? this.#ungrouped.pop() : this.#ungrouped.shift();
	}
}

const waiting = new WaitingWork();
let isScheduled = false;

/**
 * Starts work, such as a TLS handshake, in a turn of the event loop that has time for it. The clients take turns, and so
 * do the servers of each client. Of the rest, the newest and the oldest work take turns: a flood of new connections then
 * delays mostly its own, and none waits for ever.
 */
export function startInTurn(client: string, server: string, work: () => void): void {
	waiting.add(work, [client, server]);
	schedule();
}

/** Work that continues in a later turn, the oldest first. */
const continued: (() => void)[] = [];

/** Whether work waits for a later turn, or should. */
export function isCrowded(): boolean {
	return continued.length > 0 || isTurnOver();
}

/** Runs work in a later turn of the event loop that has time for it, after all work that waits already. */
export function continueInTurn(work: () => void): void {
	continued.push(work);
	schedule();
}

function schedule(): void {
	if (isScheduled) return;
	isScheduled = true;
	setImmediate(runWaiting);
}

function runWaiting(): void {
	isScheduled = false;
	if (!isAccepting || performance.now() - startedAt >= ACCEPTING_MS) {
		// At least one of each kind, so that there is progress.
		runContinued();
		for (let work = waiting.takeNext(); work !== undefined && !exceedsTurn(work); work = waiting.takeNext());
		startedAt = performance.now();
	}
	isAccepting = false;
	if (continued.length > 0 || !waiting.isEmpty) schedule();
}

function runContinued(): void {
	let done = 0;
	for (const work of continued) {
		done++;
		if (exceedsTurn(work)) break;
	}
	continued.splice(0, done);
}

/** Most bytes of all sockets that wait for a turn. */
const HELD_LIMIT = 32 * 1024 * 1024;

/** The bytes that wait for a turn. */
let heldBytes = 0;

export class FairReader {
	readonly #socket: Duplex;
	readonly #take: (bytes: Buffer) => void;
	/** Received bytes that wait for a turn. */
	#held: Buffer | null = null;
	/** Whether the held bytes have a place among the work that waits. */
	#isQueued = false;
	/** Whether the end of the socket drops held bytes. */
	#isWatched = false;
	/** Called when all bytes were taken and the sender has ended. */
	readonly #onEnd: (() => void) | undefined;
	#hasEnded = false;
	/** Whether the sender has ended, and bytes before the end are held. */
	#isEndHeld = false;
	/** Whether `pause` was called last, and not `resume`. */
	#isPaused = false;
	#isYielding = false;
	#isStopped = false;

	/**
	 * @param take receives the bytes, until `stop` is called
	 * @param onEnd called after the last bytes. If it is given, bytes may wait for a turn; they are lost if the sender
	 * resets the connection meanwhile.
	 */
	constructor(socket: Duplex, take: (bytes: Buffer) => void, onEnd?: () => void) {
		this.#socket = socket;
		this.#take = take;
		this.#onEnd = onEnd;
		socket.on("data", (bytes: Buffer) => {
			if (this.#held !== null || (onEnd !== undefined && isCrowded() && heldBytes < HELD_LIMIT)) this.#hold(bytes);
			else {
				// not by `exceedsTurn`: this runs for all that is received
				beginTurn();
				take(bytes);
				if (isTurnOver()) this.#yield();
			}
		});
		if (onEnd !== undefined)
			socket.on("end", () => {
				this.#hasEnded = true;
				if (this.#held === null) onEnd();
				else this.#isEndHeld = true;
			});
	}

	get isPaused(): boolean {
		return this.#isPaused;
	}

	pause(): void {
		this.#isPaused = true;
		this.#socket.pause();
	}

	resume(): void {
		this.#isPaused = false;
		if (this.#isYielding || this.#isStopped || this.#socket.destroyed) return;
		if (this.#held !== null) this.#queue();
		else if (this.#isEndHeld) this.#end();
		else this.#socket.resume();
	}

	/** Stops reading, and pauses the socket with the held bytes put back, for a new owner. */
	stop(): void {
		this.#isStopped = true;
		this.#socket.removeAllListeners("data").removeAllListeners("end").pause();
		const held = this.#takeAll();
		if (held !== null && !this.#hasEnded) this.#socket.unshift(held);
	}

	#hold(bytes: Buffer): void {
		if (!this.#isWatched) this.#socket.once("close", () => this.#onClose());
		this.#isWatched = true;
		heldBytes += bytes.length;
		// most clients send nothing more until they have a response
		if (this.#held !== null) this.#socket.pause();
		this.#held = this.#held === null ? bytes : Buffer.concat([this.#held, bytes]);
		this.#queue();
	}

	#takeAll(): Buffer | null {
		const held = this.#held;
		this.#held = null;
		heldBytes -= held?.length ?? 0;
		return held;
	}

	/** Drops the held bytes, unless they are complete and wait only for their turn. */
	#onClose(): void {
		if (!this.#hasEnded || this.#isPaused) this.#takeAll();
	}

	#queue(): void {
		if (this.#isQueued) return;
		this.#isQueued = true;
		continueInTurn(() => this.#takeHeld());
	}

	#takeHeld(): void {
		this.#isQueued = false;
		if (this.#isPaused) return;
		const held = this.#takeAll();
		// nobody waits for the response
		if (held === null || (this.#socket.destroyed && !this.#hasEnded)) return;
		this.#take(held);
		if (this.#isPaused || this.#isStopped) return;
		if (this.#isEndHeld) this.#end();
		else this.resume();
	}

	#end(): void {
		this.#isEndHeld = false;
		this.#onEnd?.();
	}

	#yield(): void {
		if (this.#isPaused || this.#isYielding || this.#isStopped) return;
		this.#isYielding = true;
		this.#socket.pause();
		setImmediate(() => {
			this.#isYielding = false;
			if (!this.#isPaused) this.resume();
		});
	}
}

/** Interval between two checks whether a write still waits. Milliseconds. */
const WRITE_CHECK_MS = 20;

/** How long a session is not read after something was refused. Milliseconds. */
const REST_MS = 250;

/** The part of a socket's handle that Node's own streams use. Node does not document it. */
interface SocketHandle {
	readStart(): void;
	readStop(): void;
	/** Bytes that wait to be written. */
	readonly writeQueueSize: number;
}

/**
 * Takes turns as `FairReader` does, on a socket of an HTTP/2 session. The session reads from the socket's handle, so
 * `pause` of the socket has no effect.
 */
export class FairSession {
	readonly #socket: Duplex & { readonly _handle?: SocketHandle | null };
	#isYielding = false;

	constructor(socket: Duplex) {
		this.#socket = socket;
	}

	/** Calls `work`, which processes bytes of one of the session's streams. */
	take(work: () => void): void {
		if (exceedsTurn(work) && !this.#isYielding) this.#yield();
	}

	/**
	 * Does not read for some time, because something was refused. V8 frees the strings of refused heads only in a full
	 * collection, which a flood would outrun.
	 */
	rest(): void {
		if (this.#isYielding) return;
		this.#stop();
		setTimeout(() => this.#resume(), REST_MS).unref();
	}

	#yield(): void {
		this.#stop();
		setImmediate(() => this.#resume());
	}

	#stop(): void {
		this.#isYielding = true;
		this.#socket._handle?.readStop();
	}

	#resume(): void {
		const handle = this.#socket._handle;
		// A session does not read while a write waits: otherwise received bytes would pile up in its memory.
		if (handle && handle.writeQueueSize > 0) {
			setTimeout(() => this.#resume(), WRITE_CHECK_MS).unref();
			return;
		}
		this.#isYielding = false;
		handle?.readStart();
	}
}
