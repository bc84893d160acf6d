// What a feature is: functions on a flow at the phases of its life, and the turn on which it gives a verdict.
import type { ByteString } from "../flow/bytes.ts";
import type { ClientConnection, ServerConnection } from "../flow/connection.ts";
import type { Flow, HttpFlow, TcpFlow } from "../flow/flow.ts";
import type { Response } from "../flow/message.ts";
import type { Piece } from "../replay/answer/pace.ts";
import type { ServerPart } from "../replay/answer/websocket-script.ts";

export type { Piece, ServerPart };

/**
 * Phases of an HTTP flow, in order. `error` comes instead of `response` when there will be none.
 * Those of a WebSocket follow `response`; the newest message is the last of `flow.websocket.messages`.
 */
export const phases = ["requestheaders", "request", "responseheaders", "response", "error", "websocket_start", "websocket_message", "websocket_end"] as const;

export type Phase = (typeof phases)[number];

/** How an answer is given that is not given whole and at once. */
export interface Delivery {
	/** Milliseconds before the head. */
	readonly waitMs?: number;
	/** The body in pieces, each with the milliseconds before it. Together they are `response.body`. */
	readonly pieces?: readonly Piece[] | null;
	/** What comes behind the body in place of its end: nothing, until the client goes, or the connection breaks. null: it ends. */
	readonly unfinished?: "hold" | "break" | null;
	/** What is said in the WebSocket that a response of status 101 begins. */
	readonly websocket?: ServerPart | null;
}

/** An answer that every equal request gets from now on: to ask the hook once more would change nothing. */
export interface StandingAnswer {
	/** The response as it is now, and until when it is the same to the byte, in seconds since 1970. */
	current(): { readonly response: Response; readonly until: number };
	/** Which of its header fields' values move with time, by their index and in order, while all else stays as it is; null: that is not known. */
	moving(): readonly number[] | null;
	/** Its header fields by now, and until when. Only where it is known which of them move. */
	moved(): { readonly fields: readonly ByteString[]; readonly until: number };
	/** Another request got it. */
	given(): void;
}

/** What a hook decided about an exchange. */
export type Verdict =
	| {
			readonly kind: "answer";
			readonly response: Response;
			readonly by: string;
			readonly delivery: Delivery | null;
			readonly standing: StandingAnswer | null;
	  }
	/** No answer at all: the client's connection is closed. */
	| { readonly kind: "abort"; readonly reason: string; readonly by: string }
	/** Stored flows only: leave the flow out. */
	| { readonly kind: "drop"; readonly by: string };

/** How a body passes: kept until it is whole (false), as it comes (true), or through a function that gets each chunk, and an empty one at the end. */
export type BodyStreaming = boolean | ((chunk: Buffer) => Uint8Array | Iterable<Uint8Array>);

/**
 * The decision about one exchange: pending, then answered or aborted, once; but an answer can still be stopped. "Answered" is a state of the turn
 * and never told from `flow.response`, because a stored flow has one from the start and must pass the request phases all the same.
 */
export class Turn {
	/** Whether there is an exchange behind the flow; false for stored flows. */
	readonly live: boolean;
	/** What hooks say when the heads are there; later it has no effect. null: nothing, and the proxy decides. */
	requestStream: BodyStreaming | null = null;
	responseStream: BodyStreaming | null = null;
	/** What the client sent as Proxy-Authorization: for a proxy, so that neither the request nor the tape has it. null: nothing. */
	proxyAuthorization: ByteString | null = null;
	/** Whether the bodies pass as they come where hooks say nothing. */
	passesRequest = false;
	passesResponse = false;
	#verdict: Verdict | null = null;

	constructor(live: boolean) {
		this.live = live;
	}

	get verdict(): Verdict | null {
		return this.#verdict;
	}

	/** Answers the request without asking a server. The response still passes the response phases. */
	answer(response: Response, by: string, delivery: Delivery | null = null, standing: StandingAnswer | null = null): void {
		this.#decide({ kind: "answer", response, by, delivery, standing });
	}

	/** Hangs up; `reason` becomes the flow's error. In place of an answer, too, as long as that has not been sent. */
	abort(reason: string, by: string): void {
		if (this.#verdict?.kind === "answer") this.#verdict = null;
		this.#decide({ kind: "abort", reason, by });
	}

	/** Leaves a stored flow out of what is written. */
	drop(by: string): void {
		this.#decide({ kind: "drop", by });
	}

	#decide(verdict: Verdict): void {
		if (this.#verdict !== null) throw new Error(`${verdict.by} decided on an exchange that ${this.#verdict.by} had decided on`);
		this.#verdict = verdict;
	}
}

type HookFunction = (flow: HttpFlow, turn: Turn) => void | Promise<void>;

/** A connection to a server, and the client for whom it was made: null where the proxy sends requests of its own. It may serve others too. */
export interface ServerEvent {
	readonly server: ServerConnection;
	readonly client: ClientConnection | null;
}

/** Both ends of what passes; the server may be one that is not connected to yet. */
export interface ConnectionPair {
	readonly client: ClientConnection | null;
	readonly server: ServerConnection;
}

/** TLS on one of two connections. */
export interface TlsEvent {
	readonly conn: ClientConnection | ServerConnection;
	readonly context: ConnectionPair;
}

export type TlsEventName = `tls_${"start" | "established" | "failed"}_${"client" | "server"}`;

/** What a client says first in TLS, by mitmproxy's names. */
export interface ClientHelloEvent {
	readonly client_hello: { readonly sni: string | null; readonly alpn_protocols: readonly string[] };
	readonly context: ConnectionPair;
	/** To be set: the connection passes through untouched. */
	ignore_connection: boolean;
	/** To be set: the server is connected to before the client gets its certificate, whatever the connection strategy. */
	establish_server_tls_first: boolean;
}

/**
 * What happens to live connections. The error of a client or server that is set at `…_connect` or `client_connected` refuses the connection;
 * the address of a server that is set at `server_connect` is connected to. Never throws.
 */
export type ConnectionHook = (
	...event:
		| [name: "client_connected" | "client_disconnected", client: ClientConnection]
		| [name: "server_connect" | "server_connected" | "server_connect_error" | "server_disconnected", event: ServerEvent]
		| [name: "tls_clienthello", event: ClientHelloEvent]
		| [name: TlsEventName, event: TlsEvent]
) => void | Promise<void>;

/**
 * Tunnels that clients ask for, and that an upstream proxy is asked for: the flow has a CONNECT request and never goes to the tape. At
 * `http_connect` the turn may answer or abort, and the request may name another host; at `http_connect_upstream` it may change its headers.
 * Never throws.
 */
export type ConnectHook = (
	name: "http_connect" | "http_connected" | "http_connect_error" | "http_connect_upstream",
	flow: HttpFlow,
	turn: Turn,
) => void | Promise<void>;

/** What happens in a live tunnel whose bytes are recorded; the newest message is the last of the flow, and goes on as it is then. Never throws. */
export type TcpHook = (name: "tcp_start" | "tcp_message" | "tcp_end" | "tcp_error", flow: TcpFlow, turn: Turn) => void | Promise<void>;

export interface Hook extends Partial<Record<Phase, HookFunction>> {
	/** The option's name, in kebab-case. */
	readonly name: string;
	/**
	 * Bodies that must be there in full when `request` and `response` run; those beyond the cutoff of streaming are not, unless "always".
	 * Default: none.
	 */
	readonly needs?: { readonly request?: boolean | "always"; readonly response?: boolean };
	/** Sees live requests to this host alone, in lower case, and costs others nothing. Default: all of them. */
	readonly host?: string;
	/** It never changes a request. Default: it may, where it sees one. */
	readonly leavesRequest?: boolean;
	/** Makes sense for live traffic only; stored flows skip it. */
	readonly liveOnly?: boolean;
	/** Flows that are no HTTP, when they are complete. */
	flow?(flow: Exclude<Flow, HttpFlow>, turn: Turn): void | Promise<void>;
	readonly connection?: ConnectionHook;
	readonly connect?: ConnectHook;
	readonly tcp?: TcpHook;
	/** Releases what `create` opened. */
	close?(): void | Promise<void>;
}

/** Lets clients in before there is a flow. Their connection is trusted from then on. */
export interface Gate {
	/** By user and password. */
	admit(client: ClientConnection, user: string, password: string): Promise<boolean>;
	/** By what they sent as Proxy-Authorization. */
	admitBy(client: ClientConnection, header: string | null): Promise<boolean>;
	/** The answer for those who are not let in. */
	challenge(): Response;
}

/** A host as the client names it in one place or another. */
export interface HostNames {
	/** Without ports. */
	readonly hosts: readonly string[];
	/** The port that is connected to. */
	readonly port: number;
}

/** Hosts that tunnels are not looked into for, or not as far as others: where there will be no flow that hooks see. */
export interface PassedHosts {
	/** Whether what is passed through is recorded. */
	readonly showIgnored: boolean;
	/** Whether a name alone is enough to pass a tunnel through, whatever other names may come to be known. */
	isIgnoredAtOnce(names: HostNames): boolean;
	/** Whether a tunnel is passed through, all its names being known. */
	isIgnored(names: HostNames): boolean;
	/** Whether what a tunnel holds, TLS undone, is not to be read. */
	isOpaque(names: HostNames): boolean;
}
