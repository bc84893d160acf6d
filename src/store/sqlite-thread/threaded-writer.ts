// A new tape written by a thread of its own, while the flows are made in this one. It pays where there are many of them.
import { Worker } from "node:worker_threads";
import { FlowtapeError } from "../../errors.ts";
import { type Body, bodyChunks, bodySize } from "../../flow/body.ts";
import type { Flow } from "../../flow/flow.ts";
import { FlowSink } from "../../flow/sink.ts";
import { isProcessTuned } from "../../process-tuning.ts";
import { encodeMessages } from "../record/codec.ts";
import { RowReuse } from "../sqlite/row-reuse.ts";
import type { KeyOf } from "../sqlite/writer.ts";
import { PARCEL_BYTES, RowBatchEncoder } from "./row-batch.ts";
import type { WriterAnswer, WriterOrder, WriterTask } from "./writer-thread.ts";

/** The thread's module beside this one: from the sources' build and from a bundle's chunks it is the same step. */
const THREAD = new URL("../sqlite-thread/writer-thread.js", import.meta.url);

/** Of the thread's heap, where rows live shortly: by itself it would take four times as much, and be no faster. */
const YOUNG_MB = 6;
/** Parcels under way, at most. */
const PARCELS = 4;
/** Bodies beyond this many bytes are brought piece by piece. */
const LARGE_BYTES = 1024 * 1024;

export class ThreadedWriter extends FlowSink {
	readonly #path: string;
	readonly #requestKey: KeyOf;
	/** The highest number of a connection that the tape has; null while it has no rows. */
	readonly #held: number | null;
	/** Both are there once there is a flow. */
	#thread: Worker | null = null;
	#packer: RowBatchEncoder | null = null;
	#failure: unknown;
	/** Whether the thread has opened the tape, and the one that lends. */
	#begun = false;
	#ended = false;
	#underWay = 0;
	readonly #free: ArrayBuffer[] = [];
	/** Whoever waits for an answer. */
	#answered: (() => void) | null = null;

	/**
	 * @param path of a tape that is new and closed
	 * @param held the highest number of a connection in it; null: it has no rows yet, so that rows of another tape can be taken over
	 */
	constructor(path: string, requestKey: KeyOf, held: number | null = null) {
		super();
		this.#path = path;
		this.#requestKey = requestKey;
		this.#held = held;
	}

	/** @throws FlowtapeError also for flows that were taken before */
	append(flow: Flow): void | Promise<void> {
		if (this.#failure !== undefined) throw this.#failure;
		if (this.#packer === null) return this.#appendFirst(flow);
		return this.#append(flow, this.#packer);
	}

	#appendFirst(flow: Flow): void | Promise<void> {
		const loan = this.#held === null ? RowReuse.of(flow) : null;
		const packer = this.#start(loan);
		// what lends may be gone once its last flow has come
		return loan === null ? this.#append(flow, packer) : this.#until(() => this.#begun).then(() => this.#append(flow, packer));
	}

	#append(flow: Flow, packer: RowBatchEncoder): void | Promise<void> {
		if (isLong(flow)) return this.#appendLong(flow, packer);
		packer.addFlow(flow, this.#keyOf(flow));
		if (packer.isFull) return this.#send(packer);
	}

	/** What there is much of goes off meanwhile. */
	async #appendLong(flow: Flow, packer: RowBatchEncoder): Promise<void> {
		for (const body of bodiesOf(flow)) if (isLarge(body) && !packer.isLent(body)) await this.#sendBody(body, packer);
		packer.addFlow(flow, this.#keyOf(flow));
		for (const [n, message] of encodeMessages(flow).entries()) {
			packer.addMessage(n, message);
			if (packer.isFull) await this.#send(packer);
		}
		if (packer.isFull) await this.#send(packer);
	}

	async #sendBody(body: Body, packer: RowBatchEncoder): Promise<void> {
		for (const piece of bodyChunks(body)) {
			for (let at = 0; at < piece.length; at += LARGE_BYTES) {
				packer.addPiece(piece.subarray(at, at + LARGE_BYTES));
				if (packer.isFull) await this.#send(packer);
			}
		}
		packer.endBody(body);
	}

	#keyOf(flow: Flow): string | null {
		return flow.type === "http" ? this.#requestKey(flow) : null;
	}

	#start(loan: RowReuse | null): RowBatchEncoder {
		const task: WriterTask = { path: this.#path, lent: loan?.lent ?? null, isTuned: isProcessTuned() };
		const thread = new Worker(THREAD, { workerData: { flowtapeWriter: task }, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
		this.#thread = thread;
		thread.on("message", (answer: WriterAnswer) => this.#hear(answer));
		thread.on("error", (error) => this.#fail(error));
		thread.on("exit", () => this.#fail(new Error("the thread that writes the tape has ended before its time")));
		this.#packer = new RowBatchEncoder(loan, this.#held ?? 0);
		return this.#packer;
	}

	#hear(answer: WriterAnswer): void {
		if (answer === "begun" || answer === "ended") {
			if (answer === "begun") this.#begun = true;
			else this.#ended = true;
			this.#answered?.();
		} else if ("failure" in answer) {
			const { code, message, file, cause } = answer.failure;
			this.#fail(new FlowtapeError(code, message, { ...(file !== undefined && { file }), cause }));
		} else {
			this.#underWay--;
			if (answer.bytes.byteLength <= 2 * PARCEL_BYTES) this.#free.push(answer.bytes);
			this.#answered?.();
		}
	}

	#fail(error: unknown): void {
		if (!this.#ended) this.#failure ??= error;
		this.#answered?.();
	}

	/** Returns a promise where the thread is behind. */
	#send(packer: RowBatchEncoder): void | Promise<void> {
		const parcel = packer.take(this.#free.pop());
		this.#underWay++;
		this.#tell(parcel, [parcel.bytes]);
		if (this.#underWay >= PARCELS) return this.#until(() => this.#underWay < PARCELS);
	}

	#tell(order: WriterOrder, transfer: ArrayBuffer[] = []): void {
		this.#thread?.postMessage(order, transfer);
	}

	/** Waits for answers of the thread. @throws FlowtapeError when it failed */
	async #until(isMet: () => boolean): Promise<void> {
		while (!isMet() && this.#failure === undefined) await new Promise<void>((resolve) => (this.#answered = resolve));
		if (this.#failure !== undefined) throw this.#failure;
	}

	async close(): Promise<void> {
		if (this.#packer === null) return;
		const { values, bytes } = this.#packer.take();
		this.#tell({ values, bytes }, [bytes]);
		this.#tell("close");
		await this.#until(() => this.#ended);
		// nobody need wait for its end
		this.#thread?.unref();
	}

	/** Ends the thread; the file stays as it is then. */
	override async discard(): Promise<void> {
		if (!this.#ended) await this.#thread?.terminate();
	}
}

function bodiesOf(flow: Flow): Body[] {
	return flow.type === "http" ? [flow.request.body, flow.response?.body ?? null, flow.original?.body ?? null] : [];
}

function isLarge(body: Body): boolean {
	return (bodySize(body) ?? 0) > LARGE_BYTES;
}

function isLong(flow: Flow): boolean {
	return flow.type !== "http" ? flow.type !== "dns" : flow.websocket !== null || bodiesOf(flow).some(isLarge);
}
