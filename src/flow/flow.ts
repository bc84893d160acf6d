// Flows: one exchange or conversation each. HTTP with its WebSocket messages, TCP, UDP or DNS. All timestamps are in
// seconds since 1970, with fractions.
import type { ClientConnection, ServerConnection } from "./connection.ts";
import type { Request, Response } from "./message.ts";
import type { Metadata, MetaValue } from "./metadata.ts";

/** Why a flow failed. */
export interface FlowFailure {
	/** The error message. */
	message: string;
	timestamp: number;
}

/**
 * How a flow ended. "server": with the complete response; "client": the client closed the connection early; "cut": the
 * response was cut off.
 */
export type FlowEnd = "server" | "client" | "cut";

/** Error message of a flow that was killed on purpose; mitmproxy and its scripts look for this text. */
export const KILLED = "Connection killed.";

/**
 * The record of a tape from which a flow was read. A sink of the same format may copy it instead of encoding the flow
 * again.
 */
export interface FlowRecord {
	/** Name of the format. */
	readonly format: string;
	/** Version within the format. */
	readonly version: number;
	/** The encoded record. */
	readonly data: unknown;
}

/** A part of a flow that is read on first access. */
export interface Lazy<T> {
	(): T;
	/** Where the part is stored. A sink of the same kind may copy it from there. */
	readonly rowRef?: object;
}

export interface FlowInit {
	id: string;
	/** A function is called on first access: connections make up half of a stored flow, and most uses never read them. */
	clientConn: ClientConnection | Lazy<ClientConnection>;
	serverConn: ServerConnection | Lazy<ServerConnection>;
	error?: FlowFailure | null;
	intercepted?: boolean;
	isReplay?: "request" | "response" | null;
	/** Default: empty, not marked. */
	marked?: string;
	metadata?: Metadata | (() => Metadata);
	comment?: string;
	timestampCreated?: number;
	/** Name of its session, at most `SESSION_LIMIT` bytes; default: none. */
	session?: string | null;
	/** The state before a user edited the flow, as stored. */
	backup?: MetaValue | (() => MetaValue) | null;
	/** Unknown fields, written by a newer version. */
	extra?: Record<string, unknown> | undefined;
	record?: FlowRecord | undefined;
}

abstract class FlowBase {
	id: string;
	error: FlowFailure | null;
	intercepted: boolean;
	isReplay: "request" | "response" | null;
	marked: string;
	comment: string;
	/** Seconds since 1970. */
	timestampCreated: number;
	/** Name of its session; null: none. */
	session: string | null;
	extra: Record<string, unknown> | undefined;
	/** Set by readers; code that changes the flow must remove it. */
	record: FlowRecord | undefined;
	#clientConn: ClientConnection | Lazy<ClientConnection>;
	#serverConn: ServerConnection | Lazy<ServerConnection>;
	#metadata: Metadata | (() => Metadata);
	#backup: MetaValue | (() => MetaValue) | null;

	constructor(init: FlowInit) {
		this.id = init.id;
		this.error = init.error ?? null;
		this.intercepted = init.intercepted ?? false;
		this.isReplay = init.isReplay ?? null;
		this.marked = init.marked ?? "";
		this.comment = init.comment ?? "";
		this.timestampCreated = init.timestampCreated ?? 0;
		this.session = init.session ?? null;
		this.extra = init.extra;
		this.record = init.record;
		this.#clientConn = init.clientConn;
		this.#serverConn = init.serverConn;
		this.#metadata = init.metadata ?? emptyMetadata;
		this.#backup = init.backup ?? null;
	}

	get clientConn(): ClientConnection {
		if (typeof this.#clientConn === "function") this.#clientConn = this.#clientConn();
		return this.#clientConn;
	}

	set clientConn(connection: ClientConnection) {
		this.#clientConn = connection;
	}

	get serverConn(): ServerConnection {
		if (typeof this.#serverConn === "function") this.#serverConn = this.#serverConn();
		return this.#serverConn;
	}

	set serverConn(connection: ServerConnection) {
		this.#serverConn = connection;
	}

	/** The connections, without reading those that have not been accessed yet. */
	get connections(): {
		client: ClientConnection | Lazy<ClientConnection>;
		server: ServerConnection | Lazy<ServerConnection>;
	} {
		return { client: this.#clientConn, server: this.#serverConn };
	}

	/** Whether the flow has metadata. Unlike `metadata`, this allocates nothing for a flow without any. */
	get hasMetadata(): boolean {
		return this.#metadata !== emptyMetadata && Object.keys(this.metadata).length > 0;
	}

	/** Values that scripts and other tools attach to the flow, as mitmproxy's `flow.metadata`. */
	get metadata(): Metadata {
		if (typeof this.#metadata === "function") this.#metadata = this.#metadata();
		return this.#metadata;
	}

	set metadata(metadata: Metadata) {
		this.#metadata = metadata;
	}

	get backup(): MetaValue | null {
		if (typeof this.#backup === "function") this.#backup = this.#backup();
		return this.#backup;
	}

	set backup(backup: MetaValue | null) {
		this.#backup = backup;
	}
}

function emptyMetadata(): Metadata {
	return Object.create(null) as Metadata;
}

/** A message of a WebSocket conversation. */
export interface WebSocketMessage {
	/** 1 text, 2 binary (RFC 6455 section 5.2). */
	opcode: number;
	fromClient: boolean;
	/** Text as UTF-8. */
	content: Buffer;
	timestamp: number;
	dropped: boolean;
	injected: boolean;
	/** Fields of other formats, which are kept unchanged. */
	extra?: Record<string, unknown> | undefined;
}

/** A WebSocket conversation: its messages and how it was closed. */
export interface WebSocketData {
	/**
	 * While the conversation is being recorded, this may hold only the latest messages: the others are already on the
	 * tape.
	 */
	messages: WebSocketMessage[];
	/** Whether the client closed it, or disconnected without a close frame; null: still open, or unknown. */
	closedByClient: boolean | null;
	closeCode: number | null;
	closeReason: string | null;
	timestampEnd: number | null;
	/**
	 * Sends a message to the client, or with `toClient` false to the server, while the conversation is open. `opcode`: 1
	 * text (default), 2 binary.
	 */
	inject?: ((toClient: boolean, content: Buffer, opcode?: 1 | 2) => void) | undefined;
	/** Fields of other formats, which are kept unchanged. */
	extra?: Record<string, unknown> | undefined;
}

export interface HttpFlowInit extends FlowInit {
	request: Request;
	response?: Response | null;
	websocket?: WebSocketData | null;
	ended?: FlowEnd | null;
	refreshed?: number | null;
	original?: Request | null;
}

/** An HTTP exchange: request, response, and the messages of the WebSocket that it opened. */
export class HttpFlow extends FlowBase {
	readonly type = "http";
	request: Request;
	response: Response | null;
	websocket: WebSocketData | null;
	/** How it ended; null: not recorded, `endOf` derives it from the error. */
	ended: FlowEnd | null;
	/** The time to which the dates of the response were moved, in seconds since 1970; null: they are as recorded. */
	refreshed: number | null;
	/** The request as received, if a rule or a script changed it; else null. */
	original: Request | null;

	constructor(init: HttpFlowInit) {
		super(init);
		this.request = init.request;
		this.response = init.response ?? null;
		this.websocket = init.websocket ?? null;
		this.ended = init.ended ?? null;
		this.refreshed = init.refreshed ?? null;
		this.original = init.original ?? null;
	}
}

/** A chunk of a TCP stream, or a datagram. */
export interface StreamMessage {
	fromClient: boolean;
	content: Buffer;
	timestamp: number;
	/** Fields of other formats, which are kept unchanged. */
	extra?: Record<string, unknown> | undefined;
}

export interface StreamFlowInit extends FlowInit {
	/** A function is called on first access: a stored stream may be long. */
	messages: StreamMessage[] | (() => StreamMessage[]);
}

abstract class StreamFlow extends FlowBase {
	#messages: StreamMessage[] | (() => StreamMessage[]);

	constructor(init: StreamFlowInit) {
		super(init);
		this.#messages = init.messages;
	}

	get messages(): StreamMessage[] {
		if (typeof this.#messages === "function") this.#messages = this.#messages();
		return this.#messages;
	}

	set messages(messages: StreamMessage[]) {
		this.#messages = messages;
	}
}

/** A TCP conversation: the bytes of both sides, in the order of their arrival. */
export class TcpFlow extends StreamFlow {
	readonly type = "tcp";
}

/** A flow whose messages arrive one by one and can be stored as they arrive. */
export type Conversation = HttpFlow | TcpFlow;

/** A UDP conversation: the datagrams of both sides. */
export class UdpFlow extends StreamFlow {
	readonly type = "udp";
}

export interface DnsQuestion {
	name: string;
	type: number;
	class: number;
}

export interface DnsRecord extends DnsQuestion {
	/** Seconds. */
	ttl: number;
	/** RDATA, with uncompressed names. */
	data: Buffer;
}

/** RFC 1035 section 4.1. */
export interface DnsMessage {
	id: number;
	query: boolean;
	opCode: number;
	authoritativeAnswer: boolean;
	truncation: boolean;
	recursionDesired: boolean;
	recursionAvailable: boolean;
	reserved: number;
	responseCode: number;
	questions: DnsQuestion[];
	answers: DnsRecord[];
	authorities: DnsRecord[];
	additionals: DnsRecord[];
	timestamp: number | null;
	/** Fields of other formats, which are kept unchanged. */
	extra?: Record<string, unknown> | undefined;
}

export interface DnsFlowInit extends FlowInit {
	request: DnsMessage;
	response?: DnsMessage | null;
}

/** A DNS query and its answer. */
export class DnsFlow extends FlowBase {
	readonly type = "dns";
	request: DnsMessage;
	response: DnsMessage | null;

	constructor(init: DnsFlowInit) {
		super(init);
		this.request = init.request;
		this.response = init.response ?? null;
	}
}

/** A flow of any kind; `type` tells which. */
export type Flow = HttpFlow | TcpFlow | UdpFlow | DnsFlow;

/** The flow and its messages, which can have `extra`, without its connections; null for a missing one. */
export function extensibleParts(flow: Flow): ({ extra?: Record<string, unknown> | undefined } | null)[] {
	switch (flow.type) {
		case "http":
			return [
				flow,
				flow.request,
				flow.response,
				flow.original,
				flow.websocket,
				...(flow.websocket === null ? [] : flow.websocket.messages),
			];
		case "dns":
			return [flow, flow.request, flow.response];
		default:
			return [flow, ...flow.messages];
	}
}
