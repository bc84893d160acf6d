// WebSocket conversations of versions up to 11, which are records separate from the HTTP flow of their handshake.
import { isUtf8 } from "node:buffer";
import { DumpRecord } from "./record.ts";
import type { Dictionary, Value } from "./tnetstring.ts";
import { dictionary, dictionaryOf, numberOf, textOf } from "./values.ts";

/** Maximum number of handshakes without a conversation; the oldest are dropped. */
const KEPT_HANDSHAKES = 1000;
/** Opcodes of RFC 6455 section 5.2. */
const [TEXT, BINARY] = [1, 2];

/** Whether a record is a conversation without its handshake. */
export function isConversation(flow: Dictionary): boolean {
	return textOf(flow.type) === "websocket";
}

/** The id of the handshake of a conversation; null if it has none. */
export function handshakeId(conversation: Dictionary): string | null {
	return (
		textOf(dictionaryOf(conversation.handshake_flow)?.id) ??
		textOf(dictionaryOf(conversation.metadata)?.websocket_handshake)
	);
}

/** Joins the handshakes and conversations of a file. */
export class Handshakes {
	/** The records of handshakes by flow id, as bytes: migration modifies decoded values. */
	readonly #kept = new Map<string, Buffer>();

	/** Keeps the record if its flow is a handshake. */
	keep(flow: Dictionary, record: Buffer): void {
		const id = textOf(flow.id);
		const metadata = dictionaryOf(flow.metadata);
		if (id === null || metadata === null || !("websocket" in metadata)) return;
		this.#kept.delete(id);
		this.#kept.set(id, Buffer.from(record));
		if (this.#kept.size > KEPT_HANDSHAKES) this.#kept.delete(this.#kept.keys().next().value as string);
	}

	/** The HTTP flow of the handshake, with the conversation. */
	join(conversation: Dictionary): Dictionary {
		const { handshake_flow, messages, close_sender, close_code, close_reason, error } = conversation;
		const kept = this.#kept.get(handshakeId(conversation) ?? "");
		const flow =
			dictionaryOf(handshake_flow) ??
			(kept && new DumpRecord(kept, 0, kept.length).values()) ??
			unknownHandshake(conversation);
		const sender = textOf(close_sender);
		flow.version ??= conversation.version ?? null;
		flow.error = error ?? flow.error ?? null;
		flow.websocket = dictionary({
			messages: (Array.isArray(messages) ? messages : []).map(messageOf),
			closed_by_client: sender === null ? null : sender === "client",
			// version 2.0 has text here, which becomes null
			close_code: numberOf(close_code),
			close_reason: textOf(close_reason),
			timestamp_end: dictionaryOf(flow.server_conn)?.timestamp_end ?? null,
		});
		return flow;
	}
}

/** `[opcode, from client, content, timestamp, dropped]`; text messages contain text. Version 1.0 has no opcode. */
function messageOf(value: Value): Value {
	if (!Array.isArray(value)) return value;
	const hasOpcode = typeof value[0] !== "boolean";
	const [fromClient = null, content = null, timestamp = null, dropped = false] = hasOpcode ? value.slice(1) : value;
	const bytes = typeof content === "string" ? Buffer.from(content) : content;
	const opcode = hasOpcode ? (value[0] ?? TEXT) : Buffer.isBuffer(bytes) && !isUtf8(bytes) ? BINARY : TEXT;
	return [opcode, fromClient, bytes, timestamp, dropped, false];
}

/** A placeholder for a handshake that is not in the file. */
function unknownHandshake({ id, version, client_conn, server_conn, marked, metadata }: Dictionary): Dictionary {
	const client = dictionaryOf(client_conn);
	const server = dictionaryOf(server_conn);
	const [host = "unknown", port = 80] = Array.isArray(server?.address) ? server.address : [];
	const isTls = server?.tls_established === true || server?.ssl_established === true;
	const request = dictionary({
		method: "GET",
		scheme: isTls ? "https" : "http",
		host,
		port,
		path: "/",
		http_version: "HTTP/1.1",
		headers: [],
		content: null,
		timestamp_start: client?.timestamp_start ?? 0,
		timestamp_end: client?.timestamp_start ?? 0,
	});
	return dictionary({
		type: "http",
		id: id ?? null,
		version: version ?? null,
		client_conn: client,
		server_conn: server,
		marked: marked ?? null,
		metadata: metadata ?? null,
		request,
		response: null,
	});
}
