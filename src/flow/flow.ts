// A flow: one conversation and all that is known of it. HTTP with its WebSocket messages, TCP, UDP or DNS.
import type { ClientConnection, ServerConnection } from "./connection.ts";
import type { Request, Response } from "./message.ts";
import type { Metadata, MetaValue } from "./metadata.ts";

export interface FlowFailure {
	/** In words. */
	message: string;
	timestamp: number;
}

/** Who ended a flow: the server, after all of its answer; the client, which left; nobody on purpose, it broke off. */
export type FlowEnd = "server" | "client" | "cut";

/** The longest name of a session, in bytes. */
export const SESSION_LIMIT = 128;

/** Whether a name can be that of a session; null: there is none. */
export function isSession(name: string | null): boolean {
	return name === null || (name !== "" && Buffer.byteLength(name) <= SESSION_LIMIT);
}

/** Message of a flow that was killed on purpose; other tools look for these words. */
export const KILLED = "Connection killed.";

/** The record of a tape from which a flow was read. A sink of the same format may copy it instead of encoding anew. */
export interface FlowRecord {
	/** Name of the format. */
	readonly format: string;
	/** Version within the format. */
	readonly version: number;
	/** What a sink of the same format copies. */
	readonly data: unknown;
}

/** Gives a part of a flow once somebody asks for it. */
export interface Later<T> {
	(): T;
	/** Where the part lies. A sink of the same kind that knows the place may copy what is there. */
	readonly place?: object;
}

export interface FlowInit {
	id: string;
	/** Called when first asked for: connections are half of a stored flow, and most uses never look. */
	clientConn: ClientConnection | Later<ClientConnection>;
	serverConn: ServerConnection | Later<ServerConnection>;
	error?: FlowFailure | null;
	intercepted?: boolean;
	isReplay?: "request" | "response" | null;
	/** Empty: not marked. */
	marked?: string;
	metadata?: Metadata | (() => Metadata);
	comment?: string;
	timestampCreated?: number;
	/** Name of the session that it belongs to, at most `SESSION_LIMIT` bytes; default: none. */
	session?: string | null;
	/** State before a user edited the flow, as its file has it. */
	backup?: MetaValue | (() => MetaValue) | null;
	/** Fields that a newer writer put there. */
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
	/** Name of the session that it belongs to; null: none. */
	session: string | null;
	extra: Record<string, unknown> | undefined;
	/** Set by a reader, and taken away by whatever changes the flow. */
	record: FlowRecord | undefined;
	#clientConn: ClientConnection | Later<ClientConnection>;
	#serverConn: ServerConnection | Later<ServerConnection>;
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

	/** The connections as they stand: what gives them as long as nobody has asked for them. */
	get connections(): { client: ClientConnection | Later<ClientConnection>; server: ServerConnection | Later<ServerConnection> } {
		return { client: this.#clientConn, server: this.#serverConn };
	}

	/** Whether there are notes. A flow that nobody has noted anything of needs no place for them. */
	get hasMetadata(): boolean {
		return this.#metadata !== emptyMetadata && Object.keys(this.metadata).length > 0;
	}

	/** Free-form notes, kept by every format that has room for them. */
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

export interface WebSocketMessage {
	/** 1 text, 2 binary (RFC 6455 section 5.2). */
	opcode: number;
	fromClient: boolean;
	/** Text as UTF-8. */
	content: Buffer;
	timestamp: number;
	dropped: boolean;
	injected: boolean;
}

export interface WebSocketData {
	/** Of a conversation that is being recorded only the latest may be here: the others are on the tape already. */
	messages: WebSocketMessage[];
	/** Who closed it, or went without closing it; null: nobody yet, or it is not known. */
	closedByClient: boolean | null;
	closeCode: number | null;
	closeReason: string | null;
	timestampEnd: number | null;
	/** While the conversation lasts: sends a message of one's own, to the client or else the server; `opcode`: 1 (text) unless given. */
	inject?: ((toClient: boolean, content: Buffer, opcode?: 1 | 2) => void) | undefined;
}

export interface HttpFlowInit extends FlowInit {
	request: Request;
	response?: Response | null;
	websocket?: WebSocketData | null;
	ended?: FlowEnd | null;
	refreshed?: number | null;
	original?: Request | null;
}

export class HttpFlow extends FlowBase {
	readonly type = "http";
	request: Request;
	response: Response | null;
	websocket: WebSocketData | null;
	/** How it ended; null: nobody said, and `endOf` tells it by the error. */
	ended: FlowEnd | null;
	/** The time to which its dates were moved, in seconds since 1970; null: they are those of the recording. */
	refreshed: number | null;
	/** The request as it came, where a rule or a script changed it; else null. */
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
}

export interface StreamFlowInit extends FlowInit {
	/** Called when first asked for: a stored stream may be long. */
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

export class TcpFlow extends StreamFlow {
	readonly type = "tcp";
}

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
	/** rdata, names not compressed. */
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
}

export interface DnsFlowInit extends FlowInit {
	request: DnsMessage;
	response?: DnsMessage | null;
}

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

export type Flow = HttpFlow | TcpFlow | UdpFlow | DnsFlow;
