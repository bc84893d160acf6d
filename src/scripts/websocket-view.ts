// WebSocket conversations as scripts see them, with mitmproxy's names.
import { decodeText, encodeText } from "../flow/bytes.ts";
import type { WebSocketData, WebSocketMessage } from "../flow/flow.ts";
import { checkText } from "./check-value.ts";
import { StreamMessageView } from "./stream-message-view.ts";

export class WebSocketMessageView extends StreamMessageView<WebSocketMessage> {
	/** The opcode: 1 text, 2 binary. */
	get type(): number {
		return this.message.opcode;
	}

	get is_text(): boolean {
		return this.message.opcode === 1;
	}

	/** @throws Error if the message is binary */
	get text(): string {
		if (!this.is_text) throw new Error("a binary message has no text; read its content");
		return decodeText(this.message.content);
	}

	set text(text: string) {
		if (!this.is_text) throw new Error("a binary message has no text; set its content");
		this.message.content = encodeText(checkText("text", text));
	}

	get dropped(): boolean {
		return this.message.dropped;
	}

	set dropped(dropped: boolean) {
		this.message.dropped = dropped;
	}

	/** Whether a script sent it. */
	get injected(): boolean {
		return this.message.injected;
	}

	/** Marks the message so that it is not forwarded; it is still recorded. */
	drop(): void {
		this.message.dropped = true;
	}
}

const views = new WeakMap<WebSocketMessage, WebSocketMessageView>();

function viewOf(message: WebSocketMessage): WebSocketMessageView {
	let view = views.get(message);
	if (view === undefined) {
		view = new WebSocketMessageView(message);
		views.set(message, view);
	}
	return view;
}

export class WebSocketView {
	readonly #data: WebSocketData;

	constructor(data: WebSocketData) {
		this.#data = data;
	}

	/** The newest message is last. During a live conversation, only the latest messages are here. */
	get messages(): readonly WebSocketMessageView[] {
		return this.#data.messages.map(viewOf);
	}

	/** null: still open. */
	get closed_by_client(): boolean | null {
		return this.#data.closedByClient;
	}

	get close_code(): number | null {
		return this.#data.closeCode;
	}

	get close_reason(): string | null {
		return this.#data.closeReason;
	}

	get timestamp_end(): number | null {
		return this.#data.timestampEnd;
	}

	/** Sends an additional message: a string as text, bytes as binary. @throws Error if the conversation is not live */
	inject(to_client: boolean, content: string | Uint8Array): void {
		const { inject } = this.#data;
		if (inject === undefined) throw new Error("the message cannot be sent: the conversation is not live");
		if (typeof content === "string") inject(to_client, encodeText(content), 1);
		else inject(to_client, Buffer.from(content), 2);
	}
}
