// Stands for the server of a WebSocket: says what was recorded, each message once the client has said what came before it.
import { Duplex } from "node:stream";
import { FlowtapeError } from "../../errors.ts";
import type { ServerPart } from "../../hooks/hook.ts";
import { CLOSE, closeCodeOf, closePayload, PING, PONG, writeFrame } from "./frame.ts";
import { type MessageEvents, MessageReader } from "./message-reader.ts";

/** No frame carries them (RFC 6455 section 7.4.1). */
const UNSENDABLE = new Set([1005, 1006, 1015]);

export class WebSocketPlayer extends Duplex implements MessageEvents {
	readonly #script: ServerPart;
	readonly #reader = new MessageReader(this, { masked: true, compresses: true });
	#heard = 0;
	#said = 0;
	#timer: NodeJS.Timeout | null = null;
	#isClosing = false;

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
				this.push(null);
				done();
			}
		});
	}

	override _final(done: () => void): void {
		this.push(null);
		done();
	}

	override _read(): void {}

	override _destroy(error: Error | null, done: (error: Error | null) => void): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		done(error);
	}

	message(): void {
		this.#heard++;
		this.#goOn();
	}

	control(opcode: number, payload: Buffer): void {
		if (opcode === PING) this.#send(PONG, payload);
		else if (opcode === CLOSE) {
			// RFC 6455 section 5.5.1: the answer to a close is a close
			this.#close(payload);
			this.push(null);
		}
	}

	/** Says what is to be said by now. */
	#goOn(): void {
		while (this.#timer === null && !this.#isClosing) {
			const cue = this.#script.cues[this.#said] ?? this.#script.close;
			if (cue === null || cue.afterClient > this.#heard) return;
			if (cue.waitMs > 0) {
				this.#timer = setTimeout(() => {
					this.#timer = null;
					this.#say(cue);
					this.#goOn();
				}, cue.waitMs);
			} else this.#say(cue);
		}
	}

	#say(cue: ServerPart["cues"][number] | NonNullable<ServerPart["close"]>): void {
		this.#said++;
		if ("content" in cue) this.#send(cue.opcode, cue.content);
		else this.#close(recordedClose(cue));
	}

	#close(payload: Buffer): void {
		if (this.#isClosing) return;
		this.#isClosing = true;
		this.#send(CLOSE, payload);
	}

	#send(opcode: number, payload: Buffer): void {
		if (!this.readableEnded && !this.destroyed) this.push(writeFrame({ opcode }, payload, false));
	}
}

function recordedClose({ code, reason }: NonNullable<ServerPart["close"]>): Buffer {
	return code === null || UNSENDABLE.has(code) ? Buffer.alloc(0) : closePayload(code, reason);
}
