// Relays a WebSocket, records its messages as they arrive, and runs hooks on them. Without hooks on messages, bytes
// pass untouched and are only parsed. With such hooks, every message is held until its hooks have run.
import type { Duplex } from "node:stream";
import { now } from "../../clock.ts";
import { FlowtapeError } from "../../errors.ts";
import type { HttpFlow, WebSocketData, WebSocketMessage } from "../../flow/flow.ts";
import type { Request, Response } from "../../flow/message.ts";
import type { Decision } from "../../hooks/decision.ts";
import type { MaybeAsync } from "../../maybe-async.ts";
import type { OptionTable } from "../../options.ts";
import type { OpenRecord, ProxyContext } from "../context/context.ts";
import { isWebSocketUpgrade } from "../http2/fields.ts";
import { relaySockets } from "../tcp/relay.ts";
import { compressionOf } from "./deflate.ts";
import { Direction, type DirectionEvents } from "./direction.ts";
import { ABNORMAL_CLOSURE, closeCodeOf, closePayload, NO_STATUS } from "./frame.ts";

export const options = {
	websocket: {
		type: "boolean",
		default: true,
		help: "Parse and record WebSocket messages. With --no-websocket their bytes pass through, as in other tunnels.",
	},
} as const satisfies OptionTable;

/** How long both sides may take to close after a protocol error. Milliseconds. */
const CLOSING_MS = 2_000;

/** Whether a response opens a WebSocket that can be parsed. */
export function isWebSocket(request: Request, response: Response): boolean {
	return (
		response.statusCode === 101 &&
		isWebSocketUpgrade(response) &&
		request.headers.get("sec-websocket-version")?.trim() === "13"
	);
}

export function emptyWebSocket(): WebSocketData {
	return { messages: [], closedByClient: null, closeCode: null, closeReason: null, timestampEnd: null };
}

export interface Conversation {
	context: ProxyContext;
	/** The flow of the handshake, with `websocket` set but still empty. */
	flow: HttpFlow;
	decision: Decision;
	client: Duplex;
	server: Duplex;
}

/** Takes over both sides; resolves when they are closed and the flow is recorded. Never rejects. */
export function relayWebSocket(conversation: Conversation): Promise<void> {
	return new Promise((resolve) => new WebSocketRelay(conversation, resolve).start());
}

class WebSocketRelay implements DirectionEvents {
	readonly #conversation: Conversation;
	readonly #data: WebSocketData;
	readonly #onDone: () => void;
	#record: OpenRecord | null = null;
	/** Both directions if messages are held, because an error then closes both; otherwise empty. */
	#held: Direction[] = [];
	#closingTimer: NodeJS.Timeout | null = null;
	/** Whether the client closed first; null: neither side has closed, or the proxy closed both. */
	#clientClosedFirst: boolean | null = null;

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

	/** Runs the hooks of a phase. An error of a hook is reported, and the conversation continues. */
	#phase(phase: "websocket_start" | "websocket_message" | "websocket_end", failed = () => {}): MaybeAsync {
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
			handleBytes: (bytes, pipe) => directions.get(pipe.fromClient)?.feed(bytes),
			handleEnd: (pipe) => {
				const side = pipe.fromClient ? client : server;
				if (side.readableEnded || side.errored) this.#clientClosedFirst ??= pipe.fromClient;
				directions.get(pipe.fromClient)?.end();
			},
			onDone: (error) =>
				void Promise.all([...directions.values()].map((direction) => direction.settled())).then(() =>
					this.#finish(error),
				),
		});
		const { bodies: budget } = context;
		directions.set(true, new Direction(this, toServer, { holds, budget, compression: compression?.client ?? null }));
		directions.set(false, new Direction(this, toClient, { holds, budget, compression: compression?.server ?? null }));
		if (holds) this.#held = [...directions.values()];
		this.#data.inject = (toClientSide, content, opcode = 1) => directions.get(!toClientSide)?.inject(opcode, content);
	}

	// — called by the two directions —

	message(message: WebSocketMessage): MaybeAsync {
		this.#record?.take(message);
		// Drop the message if the hook fails, as the hook may have had to change or drop it.
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
		data.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : NO_STATUS;
		data.closeReason = payload.subarray(2).toString();
	}

	/**
	 * Handles malformed input. If messages are held, it cannot be forwarded, and both sides get a close frame (RFC 6455
	 * section 7.1.7).
	 */
	unreadable(error: unknown, fromClient: boolean): void {
		if (!(error instanceof FlowtapeError)) throw error;
		const { flow, client, server } = this.#conversation;
		flow.error ??= { message: error.message, timestamp: now() };
		if (this.#closingTimer !== null || this.#held.length === 0) return;
		const payload = closePayload(closeCodeOf(error), error.message);
		this.closing(fromClient, payload);
		for (const direction of this.#held) direction.close(payload);
		this.#closingTimer = setTimeout(() => {
			client.destroy();
			server.destroy();
		}, CLOSING_MS).unref();
	}

	#keep(message: WebSocketMessage): void {
		this.#applyAbort(message);
		this.#record?.store(message);
	}

	/** Closes both sides if a hook aborted the flow. */
	#applyAbort(message: WebSocketMessage): void {
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
		if (this.#closingTimer !== null) clearTimeout(this.#closingTimer);
		delete data.inject;
		data.timestampEnd = now();
		if (data.closedByClient === null) {
			data.closedByClient = this.#clientClosedFirst;
			data.closeCode = ABNORMAL_CLOSURE;
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
