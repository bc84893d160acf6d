// Flows as scripts see them, by mitmproxy's names.
import { type Flow, type FlowFailure, type HttpFlow, KILLED, type StreamMessage } from "../flow/flow.ts";
import type { Metadata } from "../flow/metadata.ts";
import type { Decision } from "../hooks/decision.ts";
import { checkText } from "./check-value.ts";
import { type Client, type Server, viewOf } from "./connection-view.ts";
import { changeRequest, type RequestParts, RequestView, type ResponseParts, ResponseView, responseOf } from "./message-view.ts";
import { StreamMessageView } from "./stream-message-view.ts";
import { WebSocketView } from "./websocket-view.ts";

export interface FlowError extends FlowFailure {
	/** The message, by mitmproxy's name. */
	readonly msg: string;
}

/** What all kinds of flows have. */
export abstract class FlowView<F extends Flow = Flow> {
	/** What is shown. */
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

	/** Whether there is a client behind it; false for stored flows. */
	get live(): boolean {
		return this.decision.live;
	}

	get client_conn(): Client {
		return viewOf(this.flow.clientConn);
	}

	get server_conn(): Server {
		return viewOf(this.flow.serverConn);
	}

	/** Why there is no response, or no whole one. */
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

	/** Hangs up on the client. @throws Error when there is nobody to hang up on */
	kill(): void {
		if (!this.killable) throw new Error("the flow cannot be killed: it is not live, or over");
		this.decision.abort(KILLED, "script");
	}
}

/** An HTTP flow, a WebSocket conversation among them. */
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

	/** Changes what the object names of the request. */
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

	/** In the request phases the answer, so that no server is asked; later, what takes the answer's place. */
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
	/** The newest last. */
	get messages(): readonly StreamMessageView[] {
		return this.flow.messages.map((message) => new StreamMessageView(message));
	}
}

/** Told by what it has: a script may have its class from another copy of the package. */
function isResponse(value: unknown): value is ResponseView {
	const { message } = Object(value) as Partial<ResponseView>;
	return Number.isInteger(Object(message).statusCode) && typeof Object(message).headers === "object";
}
