// Writes a new tape in a worker thread, while this thread decodes the flows. For large inputs this is faster than
// `TapeWriter`.
import { Worker } from "node:worker_threads";
import { FlowtapeError } from "../../errors.ts";
import { type Body, bodyChunks, bodySize } from "../../flow/body.ts";
import type { Flow } from "../../flow/flow.ts";
import { FlowSink } from "../../flow/sink.ts";
import type { MaybeAsync } from "../../maybe-async.ts";
import { isProcessTuned } from "../../process-tuning.ts";
import { encodeMessages } from "../record/messages.ts";
import { RowReuse } from "../sqlite/row-reuse.ts";
import type { KeyOf } from "../sqlite/writer.ts";
import { BATCH_BYTES, RowBatchEncoder } from "./row-batch.ts";
import type { WriterCommand, WriterReply, WriterTask } from "./writer-thread.ts";

/** The thread's module. The relative path is valid both in the compiled sources and in the chunks of a bundle. */
const THREAD = new URL("../sqlite-thread/writer-thread.js", import.meta.url);

/**
 * Maximum size of the young generation of the thread's heap, in MB. Its rows are short-lived; V8's default takes four
 * times as much and is no faster.
 */
const YOUNG_MB = 6;
/** Maximum number of batches that are sent but not yet written. */
const MAX_IN_FLIGHT = 4;
/** Bodies larger than this are sent in pieces of at most this size. Bytes. */
const LARGE_BYTES = 1024 * 1024;

export class ThreadedWriter extends FlowSink {
	readonly #path: string;
	readonly #requestKey: KeyOf;
	/** The highest id of a connection in the tape; null if it has no rows. */
	readonly #lastConnection: number | null;
	/** Both are created with the first flow. */
	#thread: Worker | null = null;
	#encoder: RowBatchEncoder | null = null;
	#failure: unknown;
	/** Whether the thread has opened the tape, and the tape whose rows it copies. */
	#isOpen = false;
	#isClosed = false;
	#inFlight = 0;
	readonly #free: ArrayBuffer[] = [];
	/** Resolves the promise of `#until`. */
	#wake: (() => void) | null = null;

	/**
	 * @param path path of a new tape that is closed
	 * @param lastConnection the highest id of a connection in it; null: it has no rows yet, so that rows of another tape
	 * can be copied
	 */
	constructor(path: string, requestKey: KeyOf, lastConnection: number | null = null) {
		super();
		this.#path = path;
		this.#requestKey = requestKey;
		this.#lastConnection = lastConnection;
	}

	/** @throws FlowtapeError also for a failure to write an earlier flow */
	append(flow: Flow): MaybeAsync {
		if (this.#failure !== undefined) throw this.#failure;
		if (this.#encoder === null) return this.#appendFirst(flow);
		return this.#append(flow, this.#encoder);
	}

	#appendFirst(flow: Flow): MaybeAsync {
		const reuse = this.#lastConnection === null ? RowReuse.from(flow) : null;
		const encoder = this.#start(reuse);
		// wait until the thread has opened the other tape, which may be deleted after its last flow was read
		return reuse === null
			? this.#append(flow, encoder)
			: this.#until(() => this.#isOpen).then(() => this.#append(flow, encoder));
	}

	#append(flow: Flow, encoder: RowBatchEncoder): MaybeAsync {
		if (isLong(flow)) return this.#appendLong(flow, encoder);
		encoder.addFlow(flow, this.#keyOf(flow));
		if (encoder.isFull) return this.#send(encoder);
	}

	/** Adds a flow with large bodies or with messages, and sends full batches meanwhile. */
	async #appendLong(flow: Flow, encoder: RowBatchEncoder): Promise<void> {
		for (const body of bodiesOf(flow))
			if (isLarge(body) && !encoder.isReused(body)) await this.#sendBody(body, encoder);
		encoder.addFlow(flow, this.#keyOf(flow));
		for (const [n, message] of encodeMessages(flow).entries()) {
			encoder.addMessage(n, message);
			if (encoder.isFull) await this.#send(encoder);
		}
		if (encoder.isFull) await this.#send(encoder);
	}

	async #sendBody(body: Body, encoder: RowBatchEncoder): Promise<void> {
		for (const piece of bodyChunks(body)) {
			for (let at = 0; at < piece.length; at += LARGE_BYTES) {
				encoder.addPiece(piece.subarray(at, at + LARGE_BYTES));
				if (encoder.isFull) await this.#send(encoder);
			}
		}
		encoder.endBody(body);
	}

	#keyOf(flow: Flow): string | null {
		return flow.type === "http" ? this.#requestKey(flow) : null;
	}

	#start(reuse: RowReuse | null): RowBatchEncoder {
		const task: WriterTask = { path: this.#path, reusable: reuse?.reusable ?? null, isTuned: isProcessTuned() };
		const thread = new Worker(THREAD, {
			workerData: { flowtapeWriter: task },
			resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
		});
		this.#thread = thread;
		thread.on("message", (reply: WriterReply) => this.#onReply(reply));
		thread.on("error", (error) => this.#fail(error));
		thread.on("exit", () => this.#fail(new Error("the thread that writes the tape exited unexpectedly")));
		this.#encoder = new RowBatchEncoder(reuse, this.#lastConnection ?? 0);
		return this.#encoder;
	}

	#onReply(reply: WriterReply): void {
		if (reply === "begun" || reply === "ended") {
			if (reply === "begun") this.#isOpen = true;
			else this.#isClosed = true;
			this.#wake?.();
		} else if ("failure" in reply) {
			const { code, message, file, cause } = reply.failure;
			this.#fail(new FlowtapeError(code, message, { ...(file !== undefined && { file }), cause }));
		} else {
			this.#inFlight--;
			if (reply.bytes.byteLength <= 2 * BATCH_BYTES) this.#free.push(reply.bytes);
			this.#wake?.();
		}
	}

	#fail(error: unknown): void {
		if (!this.#isClosed) this.#failure ??= error;
		this.#wake?.();
	}

	/** Returns a promise if the thread has fallen behind. */
	#send(encoder: RowBatchEncoder): MaybeAsync {
		const batch = encoder.take(this.#free.pop());
		this.#inFlight++;
		this.#post(batch, [batch.bytes]);
		if (this.#inFlight >= MAX_IN_FLIGHT) return this.#until(() => this.#inFlight < MAX_IN_FLIGHT);
	}

	#post(command: WriterCommand, transfer: ArrayBuffer[] = []): void {
		this.#thread?.postMessage(command, transfer);
	}

	/** Waits for replies of the thread until a condition is met. @throws FlowtapeError if the thread failed */
	async #until(isMet: () => boolean): Promise<void> {
		while (!isMet() && this.#failure === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
		if (this.#failure !== undefined) throw this.#failure;
	}

	async close(): Promise<void> {
		if (this.#encoder === null) return;
		const { values, bytes } = this.#encoder.take();
		this.#post({ values, bytes }, [bytes]);
		this.#post("close");
		await this.#until(() => this.#isClosed);
		// the process need not wait for the thread to exit
		this.#thread?.unref();
	}

	/** Terminates the thread; the file stays as it is. */
	override async discard(): Promise<void> {
		if (!this.#isClosed) await this.#thread?.terminate();
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
