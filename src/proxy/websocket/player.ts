// Stands for the server of a WebSocket: says what was recorded, each message once the client has said what came before it.
// It says no more than the client takes: what is large goes piece by piece, and nothing is brought into memory before its turn.
import { Duplex } from "node:stream";
import { FlowtapeError } from "../../errors.ts";
import { SLICE_BYTES } from "../../flow/body.ts";
import type { ServerPart } from "../../hooks/decision.ts";
import { CLOSE, closeCodeOf, closePayload, PING, PONG, writeFrameHead } from "./frame.ts";
import { type MessageEvents, MessageReader } from "./message-reader.ts";

/** No frame carries them (RFC 6455 section 7.4.1). */
const UNSENDABLE = new Set([1005, 1006, 1015]);
/** The connection ended without a close frame. */
const NO_CLOSE = 1006;

type Cue = ServerPart["cues"][number] | NonNullable<ServerPart["close"]>;

export class WebSocketPlayer extends Duplex implements MessageEvents {
	readonly #script: ServerPart;
	readonly #reader = new MessageReader(this, { masked: true, compresses: true }, false);
	#heard = 0;
	#said = 0;
	/** How many messages were to be said when the close was decided on. */
	#due = 0;
	#timer: NodeJS.Timeout | null = null;
	/** Whether the client takes no more for now. */
	#isFull = false;
	/** The rest of a frame that has begun. */
	#rest: Buffer | null = null;
	/** What the latest ping said, where it is not answered yet: earlier ones need no answer of their own (RFC 6455 section 5.5.3). */
	#ping: Buffer | null = null;
	/** The close frame that is still to be said. */
	#closing: Buffer | null = null;
	/** No message is said any more. */
	#isClosing = false;
	/** Nothing is said any more, once all frames have gone that were begun. */
	#isOver = false;
	#hasEnded = false;

	constructor(script: ServerPart) {
		super();
		this.#script = script;
		this.#goOn();
	}

	/** The client's bytes. Whoever brings them has its say before we answer. */
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
		this.#goOn();
	}

	override _destroy(error: Error | null, done: (error: Error | null) => void): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#hasEnded = true;
		done(error);
	}

	message(): void {
		this.#heard++;
		this.#goOn();
	}

	control(opcode: number, payload: Buffer): void {
		if (opcode === PING) {
			this.#ping = payload;
			this.#goOn();
		} else if (opcode === CLOSE) {
			// RFC 6455 section 5.5.1: the answer to a close is a close
			this.#close(payload);
			this.#end();
		}
	}

	/** Says what is to be said by now, as far as the client takes it. */
	#goOn(): void {
		while (!this.#isFull && !this.#hasEnded && this.#sayNext()) {}
	}

	/** False: nothing is to be said now. */
	#sayNext(): boolean {
		if (this.#rest !== null) this.#sayRest(this.#rest);
		else if (this.#ping !== null) {
			this.#send(PONG, this.#ping);
			this.#ping = null;
		} else if (this.#said < this.#due) this.#say(this.#script.cues[this.#said] as Cue);
		else if (this.#closing !== null) {
			this.#send(CLOSE, this.#closing);
			this.#closing = null;
		} else if (this.#isOver) {
			this.#hasEnded = true;
			this.push(null);
		} else return !this.#isClosing && this.#timer === null && this.#sayCue();
		return true;
	}

	#sayRest(rest: Buffer): void {
		this.#rest = rest.length > SLICE_BYTES ? rest.subarray(SLICE_BYTES) : null;
		this.#push(rest.subarray(0, SLICE_BYTES));
	}

	#sayCue(): boolean {
		const cue = this.#script.cues[this.#said] ?? this.#script.close;
		if (cue === null || cue.afterClient > this.#heard) return false;
		if (cue.waitMs <= 0) this.#say(cue);
		else
			this.#timer = setTimeout(() => {
				this.#timer = null;
				if (!this.#isClosing) this.#say(cue);
				this.#goOn();
			}, cue.waitMs);
		return true;
	}

	#say(cue: Cue): void {
		this.#said++;
		if ("content" in cue) this.#send(cue.opcode, cue.content);
		else {
			this.#isClosing = true;
			if (cue.code === NO_CLOSE) this.#isOver = true;
			else this.#closing = recordedClose(cue);
		}
	}

	#close(payload: Buffer): void {
		if (this.#isClosing) return;
		this.#isClosing = true;
		this.#closing = payload;
		if (this.#timer === null) this.#due = this.#countDue();
		this.#goOn();
	}

	#countDue(): number {
		let count = this.#said;
		for (let cue = this.#script.cues[count]; cue !== undefined && cue.afterClient <= this.#heard && cue.waitMs <= 0; cue = this.#script.cues[count]) count++;
		return count;
	}

	#end(): void {
		this.#isOver = true;
		this.#isClosing = true;
		this.#goOn();
	}

	#send(opcode: number, payload: Buffer): void {
		this.#rest = payload.length > 0 ? payload : null;
		this.#push(writeFrameHead(opcode, payload.length));
	}

	#push(bytes: Buffer): void {
		if (!this.push(bytes)) this.#isFull = true;
	}
}

function recordedClose({ code, reason }: NonNullable<ServerPart["close"]>): Buffer {
	return code === null || UNSENDABLE.has(code) ? Buffer.alloc(0) : closePayload(code, reason);
}
