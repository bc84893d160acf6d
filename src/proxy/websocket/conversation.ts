// A WebSocket while it lasts: its frames pass, its messages are recorded as they come, and hooks see them where there are any.
// Without hooks on messages bytes pass untouched and are only read along; with them every message is held until it has been seen.
import type { Duplex } from "node:stream";
import { now } from "../../clock.ts";
import { FlowtapeError } from "../../errors.ts";
import type { HttpFlow, WebSocketData, WebSocketMessage } from "../../flow/flow.ts";
import type { Request, Response } from "../../flow/message.ts";
import type { Decision } from "../../hooks/decision.ts";
import type { OptionTable } from "../../options.ts";
import type { OpenRecord, ProxyContext } from "../context/context.ts";
import { isWebSocketUpgrade } from "../http2/fields.ts";
import { relaySockets } from "../tcp/relay.ts";
import { compressionOf } from "./deflate.ts";
import { Direction, type DirectionEvents } from "./direction.ts";
import { closeCodeOf, closePayload } from "./frame.ts";

export const options = {
	websocket: { type: "boolean", default: true, help: "Read and record the messages of WebSockets; without, their bytes pass like those of any tunnel." },
} as const satisfies OptionTable;

/** What the flow keeps of a conversation that goes to the tape as it comes: enough for a hook to look back. */
const KEPT_MESSAGES = 1000;
const KEPT_BYTES = 4 * 1024 * 1024;

/** How long a side that has been told of its fault may take to go. */
const LEAVING_MS = 2_000;

/** Close codes that no frame carries (RFC 6455 section 7.4.1). */
const NO_CODE = 1005;
const NO_CLOSE = 1006;

/** Whether a response begins a WebSocket that can be read. */
export function isWebSocket(request: Request, response: Response): boolean {
	return response.statusCode === 101 && isWebSocketUpgrade(response) && request.headers.get("sec-websocket-version")?.trim() === "13";
}

export function emptyWebSocket(): WebSocketData {
	return { messages: [], closedByClient: null, closeCode: null, closeReason: null, timestampEnd: null };
}

export interface Conversation {
	context: ProxyContext;
	/** With its `websocket`, still empty. */
	flow: HttpFlow;
	decision: Decision;
	client: Duplex;
	server: Duplex;
}

/** Takes both sides over; resolves when they are closed and the flow is on the tape. Never rejects. */
export function relayWebSocket(conversation: Conversation): Promise<void> {
	return new Promise((resolve) => new WebSocketRelay(conversation, resolve).start());
}

class WebSocketRelay implements DirectionEvents {
	readonly #conversation: Conversation;
	readonly #data: WebSocketData;
	readonly #onDone: () => void;
	#record: OpenRecord | null = null;
	/** From where to where; where messages are held, a fault ends both. */
	#held: Direction[] = [];
	#leaving: NodeJS.Timeout | null = null;
	/** Whether it was the client that went first; null: nobody has, or the proxy ended both. */
	#goneIsClient: boolean | null = null;
	#keptBytes = 0;

	constructor(conversation: Conversation, onDone: () => void) {
		this.#conversation = conversation;
		this.#data = conversation.flow.websocket as WebSocketData;
		this.#onDone = onDone;
	}

	start(): void {
		const wait = this.#phase("websocket_start");
		if (wait === undefined) this.#join();
		else void wait.then(() => this.#join());
	}

	/** A hook that fails is told of, and the conversation goes on. */
	#phase(phase: "websocket_start" | "websocket_message" | "websocket_end", failed = () => {}): void | Promise<void> {
		const { context, flow, decision } = this.#conversation;
		const fail = (error: unknown) => {
			context.emit({ kind: "hook_error", phase, error });
			failed();
		};
		try {
			return context.pipeline.run(phase, flow, decision)?.catch(fail);
		} catch (error) {
			fail(error);
		}
	}

	#join(): void {
		const { context, flow, client, server } = this.#conversation;
		const compression = flow.response === null ? null : compressionOf(flow.response);
		const holds = !context.pipeline.isIdle("websocket_message");
		this.#record = context.open(flow);
		const directions = new Map<boolean, Direction>();
		const [toServer, toClient] = relaySockets(client, server, {
			take: (bytes, way) => directions.get(way.fromClient)?.feed(bytes),
			takeEnd: (way) => {
				const side = way.fromClient ? client : server;
				if (side.readableEnded || side.errored) this.#goneIsClient ??= way.fromClient;
				directions.get(way.fromClient)?.end();
			},
			onDone: (error) => void Promise.all([...directions.values()].map((direction) => direction.settled())).then(() => this.#finish(error)),
		});
		directions.set(true, new Direction(this, toServer, holds, compression?.client ?? null));
		directions.set(false, new Direction(this, toClient, holds, compression?.server ?? null));
		if (holds) this.#held = [...directions.values()];
		this.#data.inject = (toClientSide, content, opcode = 1) => directions.get(!toClientSide)?.inject(opcode, content);
	}

	// — what the two directions tell —

	message(message: WebSocketMessage): void | Promise<void> {
		this.#data.messages.push(message);
		// Not to let pass what a hook should have changed or stopped.
		const wait = this.#phase("websocket_message", () => {
			message.dropped = true;
		});
		if (wait === undefined) this.#keep(message);
		else return wait.then(() => this.#keep(message));
	}

	closing(fromClient: boolean, payload: Buffer): void {
		const data = this.#data;
		if (data.closedByClient !== null) return;
		data.closedByClient = fromClient;
		data.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : NO_CODE;
		data.closeReason = payload.subarray(2).toString();
	}

	/** Where messages are held, whoever breaks the rules is told, and so is the other side: what is not understood cannot pass (RFC 6455 section 7.1.7). */
	unreadable(error: unknown, fromClient: boolean): void {
		if (!(error instanceof FlowtapeError)) throw error;
		const { flow, client, server } = this.#conversation;
		flow.error ??= { message: error.message, timestamp: now() };
		if (this.#leaving !== null || this.#held.length === 0) return;
		const payload = closePayload(closeCodeOf(error), error.message);
		this.closing(fromClient, payload);
		for (const direction of this.#held) direction.close(payload);
		this.#leaving = setTimeout(() => {
			client.destroy();
			server.destroy();
		}, LEAVING_MS).unref();
	}

	/** On the tape, and for some time with the flow. */
	#keep(message: WebSocketMessage): void {
		const { messages } = this.#data;
		this.#heedVerdict(message);
		const record = this.#record as OpenRecord;
		record.add(message);
		if (!record.isOpen) return;
		this.#keptBytes += message.content.length;
		while (messages.length > KEPT_MESSAGES || (this.#keptBytes > KEPT_BYTES && messages.length > 1)) this.#keptBytes -= messages.shift()?.content.length ?? 0;
	}

	/** A hook may hang up. */
	#heedVerdict(message: WebSocketMessage): void {
		const { decision, flow, client, server } = this.#conversation;
		if (decision.verdict?.kind !== "abort") return;
		message.dropped = true;
		flow.error ??= { message: decision.verdict.reason, timestamp: now() };
		client.destroy();
		server.destroy();
	}

	#finish(error: Error | null): void {
		const { flow } = this.#conversation;
		const data = this.#data;
		if (this.#leaving !== null) clearTimeout(this.#leaving);
		delete data.inject;
		data.timestampEnd = now();
		if (data.closedByClient === null) {
			data.closedByClient = this.#goneIsClient;
			data.closeCode = NO_CLOSE;
			data.closeReason = "";
			if (error !== null) flow.error ??= { message: error.message, timestamp: now() };
		}
		const close = () => {
			this.#record?.close();
			this.#onDone();
		};
		const wait = this.#phase("websocket_end");
		if (wait === undefined) close();
		else void wait.then(close);
	}
}
