// Flows as scripts see them, with mitmproxy's names.
import { type Flow, type FlowFailure, type HttpFlow, KILLED, type StreamMessage } from "../flow/flow.ts";
import type { Metadata } from "../flow/metadata.ts";
import type { Decision } from "../hooks/decision.ts";
import { checkText } from "./check-value.ts";
import { type Client, type Server, viewOf } from "./connection-view.ts";
import {
	changeRequest,
	type RequestParts,
	RequestView,
	type ResponseParts,
	ResponseView,
	responseOf,
} from "./message-view.ts";
import { StreamMessageView } from "./stream-message-view.ts";
import { WebSocketView } from "./websocket-view.ts";

export interface FlowError extends FlowFailure {
	/** The message, by mitmproxy's name. */
	readonly msg: string;
}

/** The properties of all types of flows. */
export abstract class FlowView<F extends Flow = Flow> {
	/** The underlying flow. */
	readonly flow: F;
	protected readonly decision: Decision;

	constructor(flow: F, decision: Decision) {
		this.flow = flow;
		this.decision = decision;
	}

	get id(): string {
		return this.flow.id;
	}

	get type(): F["type"] {
		return this.flow.type;
	}

	/** Whether the flow belongs to a live client; false for stored flows. */
	get live(): boolean {
		return this.decision.live;
	}

	get client_conn(): Client {
		return viewOf(this.flow.clientConn);
	}

	get server_conn(): Server {
		return viewOf(this.flow.serverConn);
	}

	/** Why there is no response, or no complete one. */
	get error(): FlowError | null {
		const { error } = this.flow;
		return error === null ? null : { ...error, msg: error.message };
	}

	get is_replay(): "request" | "response" | null {
		return this.flow.isReplay;
	}

	/** Empty: not marked. */
	get marked(): string {
		return this.flow.marked;
	}

	set marked(marker: string) {
		this.flow.marked = checkText("marked", marker);
	}

	get comment(): string {
		return this.flow.comment;
	}

	set comment(comment: string) {
		this.flow.comment = checkText("comment", comment);
	}

	/** Free-form notes, kept on the tape. */
	get metadata(): Metadata {
		return this.flow.metadata;
	}

	get timestamp_created(): number {
		return this.flow.timestampCreated;
	}

	get killable(): boolean {
		return this.live && this.decision.verdict?.kind !== "abort" && this.flow.error === null;
	}

	/** Closes the client's connection. @throws Error if the flow is not live, or is over */
	kill(): void {
		if (!this.killable) throw new Error("the flow cannot be killed: it is not live, or is over");
		this.decision.abort(KILLED, "script");
	}
}

/** An HTTP flow, including its WebSocket conversation. */
export class HTTPFlow extends FlowView<HttpFlow> {
	readonly #request: RequestView;
	#response: ResponseView | null = null;

	constructor(flow: HttpFlow, decision: Decision) {
		super(flow, decision);
		this.#request = new RequestView(flow.request);
	}

	get request(): RequestView {
		return this.#request;
	}

	/** Changes those properties of the request that the object has. */
	set request(parts: RequestView | RequestParts) {
		if (parts !== this.#request) changeRequest(this.#request, parts);
	}

	get response(): ResponseView | null {
		const { verdict } = this.decision;
		const response = this.flow.response ?? (verdict?.kind === "answer" ? verdict.response : null);
		if (response === null) return null;
		if (this.#response?.message !== response) this.#response = new ResponseView(response);
		return this.#response;
	}

	/** In the request phases: answers the request without a server. Later: replaces the response. */
	set response(given: ResponseView | ResponseParts) {
		const response = isResponse(given) ? given : responseOf(given);
		this.#response = response;
		if (this.flow.response !== null) this.flow.response = response.message;
		else this.decision.answer(response.message, "script");
	}

	get websocket(): WebSocketView | null {
		const { websocket } = this.flow;
		return websocket === null ? null : new WebSocketView(websocket);
	}
}

/** A TCP or UDP flow: bytes in both directions. */
export class StreamFlow extends FlowView<Extract<Flow, { messages: StreamMessage[] }>> {
	/** The newest message is last. */
	get messages(): readonly StreamMessageView[] {
		return this.flow.messages.map((message) => new StreamMessageView(message));
	}
}

/** Recognizes a response by its properties, because a script may have the class from another copy of the package. */
function isResponse(value: unknown): value is ResponseView {
	const { message } = Object(value) as Partial<ResponseView>;
	return Number.isInteger(Object(message).statusCode) && typeof Object(message).headers === "object";
}
