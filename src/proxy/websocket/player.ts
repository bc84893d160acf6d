// Replays the server of a recorded WebSocket: sends each message once the client has sent the messages that precede it
// in the recording. It respects back-pressure: large messages are sent in slices, and no message is loaded into memory
// before its turn.
import { Duplex } from "node:stream";
import { FlowtapeError } from "../../errors.ts";
import { type Body, bodySize, bodySlices } from "../../flow/body.ts";
import { FileBody } from "../../flow/file-spool.ts";
import type { ServerPart } from "../../hooks/decision.ts";
import { ABNORMAL_CLOSURE, CLOSE, closeCodeOf, closePayload, NO_STATUS, PING, PONG, writeFrameHead } from "./frame.ts";
import { type MessageEvents, MessageReader } from "./message-reader.ts";

/** Close codes that no frame may carry (RFC 6455 section 7.4.1); 1015: the TLS handshake failed. */
const UNSENDABLE = new Set([NO_STATUS, ABNORMAL_CLOSURE, 1015]);

type Cue = ServerPart["cues"][number] | NonNullable<ServerPart["close"]>;

export class WebSocketPlayer extends Duplex implements MessageEvents {
	readonly #script: ServerPart;
	readonly #reader = new MessageReader(this, { masked: true, compresses: true }, null);
	#receivedCount = 0;
	#sentCount = 0;
	/** How many messages were due when the close began. */
	#due = 0;
	#timer: NodeJS.Timeout | null = null;
	/** Whether the client accepts no more for now. */
	#isFull = false;
	/** The payload of a frame that is partly sent, and its remaining slices. */
	#rest: { readonly payload: Body; readonly slices: Iterator<Buffer> } | null = null;
	/** The payload of the latest unanswered ping; earlier ones need no pong (RFC 6455 section 5.5.3). */
	#ping: Buffer | null = null;
	/** The payload of the close frame to send. */
	#closing: Buffer | null = null;
	/** No more messages are sent. */
	#isClosing = false;
	/** The stream ends once all frames that are due are sent. */
	#isOver = false;
	#hasEnded = false;

	constructor(script: ServerPart) {
		super();
		this.#script = script;
		this.#sendDue();
	}

	/**
	 * Receives the client's bytes. They are parsed in the next tick, so that the caller returns before the player
	 * responds.
	 */
	override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
		process.nextTick(() => {
			try {
				this.#reader.feed(chunk);
				done();
			} catch (error) {
				if (!(error instanceof FlowtapeError)) return done(error as Error);
				this.#close(closePayload(closeCodeOf(error), error.message));
				this.#end();
				done();
			}
		});
	}

	override _final(done: () => void): void {
		this.#end();
		done();
	}

	override _read(): void {
		if (!this.#isFull) return;
		this.#isFull = false;
		this.#sendDue();
	}

	override _destroy(error: Error | null, done: (error: Error | null) => void): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#hasEnded = true;
		this.#release();
		done(error);
	}

	message(): void {
		this.#receivedCount++;
		this.#sendDue();
	}

	control(opcode: number, payload: Buffer): void {
		if (opcode === PING) {
			this.#ping = payload;
			this.#sendDue();
		} else if (opcode === CLOSE) {
			// RFC 6455 section 5.5.1: a close frame is answered with a close frame.
			this.#close(payload);
			this.#end();
		}
	}

	/** Sends everything that is due, as far as the client accepts it. */
	#sendDue(): void {
		try {
			while (!this.#isFull && !this.#hasEnded && this.#sendNext()) {}
		} catch (error) {
			// a message cannot be read
			this.destroy(error as Error);
		}
	}

	/** Sends the next part that is due. Returns false if nothing is due. */
	#sendNext(): boolean {
		if (this.#rest !== null) this.#sendRest(this.#rest.slices);
		else if (this.#ping !== null) {
			this.#send(PONG, this.#ping);
			this.#ping = null;
		} else if (this.#sentCount < this.#due) this.#sendCue(this.#script.cues[this.#sentCount] as Cue);
		else if (this.#closing !== null) {
			this.#send(CLOSE, this.#closing);
			this.#closing = null;
		} else if (this.#isOver) {
			this.#hasEnded = true;
			this.push(null);
		} else return !this.#isClosing && this.#timer === null && this.#scheduleCue();
		return true;
	}

	#sendRest(slices: Iterator<Buffer>): void {
		const { value, done } = slices.next();
		if (done) this.#release();
		else this.#push(value);
	}

	/** Releases the payload of the current frame. */
	#release(): void {
		if (this.#rest?.payload instanceof FileBody) this.#rest.payload.close();
		this.#rest = null;
	}

	#scheduleCue(): boolean {
		const cue = this.#script.cues[this.#sentCount] ?? this.#script.close;
		if (cue === null || cue.afterClient > this.#receivedCount) return false;
		if (cue.waitMs <= 0) this.#sendCue(cue);
		else
			this.#timer = setTimeout(() => {
				this.#timer = null;
				if (!this.#isClosing) this.#sendCue(cue);
				this.#sendDue();
			}, cue.waitMs);
		return true;
	}

	#sendCue(cue: Cue): void {
		this.#sentCount++;
		if ("content" in cue) {
			const content = typeof cue.content === "function" ? cue.content() : cue.content;
			// a damaged message is left out
			if (content !== null) this.#send(cue.opcode, content);
		} else {
			this.#isClosing = true;
			if (cue.code === ABNORMAL_CLOSURE) this.#isOver = true;
			else this.#closing = recordedClose(cue);
		}
	}

	#close(payload: Buffer): void {
		if (this.#isClosing) return;
		this.#isClosing = true;
		this.#closing = payload;
		if (this.#timer === null) this.#due = this.#countDue();
		this.#sendDue();
	}

	#countDue(): number {
		let count = this.#sentCount;
		for (
			let cue = this.#script.cues[count];
			cue !== undefined && cue.afterClient <= this.#receivedCount && cue.waitMs <= 0;
			cue = this.#script.cues[count]
		)
			count++;
		return count;
	}

	#end(): void {
		this.#isOver = true;
		this.#isClosing = true;
		this.#sendDue();
	}

	#send(opcode: number, payload: NonNullable<Body>): void {
		this.#rest = { payload, slices: bodySlices(payload)[Symbol.iterator]() };
		this.#push(writeFrameHead(opcode, bodySize(payload) ?? 0));
	}

	#push(bytes: Buffer): void {
		if (!this.push(bytes)) this.#isFull = true;
	}
}

function recordedClose({ code, reason }: NonNullable<ServerPart["close"]>): Buffer {
	return code === null || UNSENDABLE.has(code) ? Buffer.alloc(0) : closePayload(code, reason);
}
