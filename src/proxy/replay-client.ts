// Sends recorded requests again. Each one is an ordinary exchange, but no client receives its response.
import { randomUUID } from "node:crypto";
import { type Duplex, PassThrough } from "node:stream";
import { now } from "../clock.ts";
import { toText } from "../flow/bytes.ts";
import { type ClientConnection, clientConnection } from "../flow/connection.ts";
import { CLIENT_GONE, endOf, isRequestCut } from "../flow/ending.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { Request, Response } from "../flow/message.ts";
import type { FlowSink } from "../flow/pipe.ts";
import { dropUnsendable, whyNotSendable } from "../flow/sendable.ts";
import { formatAuthority } from "../flow/url.ts";
import type { Pipeline } from "../hooks/pipeline.ts";
import type { OptionValues } from "../options.ts";
import type { BodyWriter } from "./body/pipe.ts";
import { BodyPolicy, options as bodyOptions } from "./body/policy.ts";
import { ConnectionEvents } from "./connection/events.ts";
import { ProxyContext, type ProxyEvent } from "./context/context.ts";
import { Exchange } from "./exchange/exchange.ts";
import type { ExchangeHost } from "./exchange/host.ts";
import type { Route } from "./route/destination.ts";
import { options as modeOptions, parseModes } from "./route/modes.ts";
import { UpstreamPool, options as upstreamOptions } from "./upstream/pool.ts";
import { routeOf } from "./upstream/proxy.ts";

export const options = {
	...bodyOptions,
	...upstreamOptions,
	mode: {
		...modeOptions.mode,
		help: "Send the requests through a proxy: upstream:http[s]://PROXY[:PORT]. Other modes are ignored.",
	},
} as const;

export interface ReplaySetup {
	options: OptionValues<typeof options>;
	pipeline: Pipeline;
	/** Receives the new flows. The client does not close it. */
	sink: FlowSink;
	onEvent?: (event: ProxyEvent) => void;
	/** How long an exchange may take, in seconds; 0: no limit. */
	timeout?: number;
	/** Chooses the upstream proxy for each destination, unless the first mode names one; default: connect directly. */
	route?: Route | null;
	/** Proxy-Authorization for the upstream proxy that a mode names; default: none. */
	upstreamCredentials?: string | null;
}

/** Why a recorded flow cannot be sent again; null if it can. */
export function whyNotResendable(flow: HttpFlow): string | null {
	if (flow.websocket !== null) return "it is a WebSocket conversation";
	if (flow.request.method === "CONNECT") return "it is a CONNECT";
	if (isRequestCut(flow)) return "its recorded request is incomplete";
	return flow.request.body === null ? "its request's body was not recorded" : whyNotSendable(flow.request);
}

export class ReplayClient {
	readonly #pool: UpstreamPool;
	readonly #context: ProxyContext;
	readonly #events: ConnectionEvents | null;
	readonly #timeoutMs: number;
	readonly #senders = new Set<Sender>();

	/** @throws FlowtapeError FT_BAD_OPTION */
	constructor({
		options: values,
		pipeline,
		sink,
		onEvent = () => {},
		timeout = 0,
		route,
		upstreamCredentials,
	}: ReplaySetup) {
		this.#events = ConnectionEvents.forPipeline(pipeline);
		this.#pool = new UpstreamPool(values, {
			events: this.#events,
			route: routeFor(values, upstreamCredentials ?? null, route ?? (() => null)),
			isOwn: () => false,
			onDial: (destination) => onEvent({ kind: "egress", destination }),
			onOmittedField: (field, { prettyUrl: url }) =>
				onEvent({ kind: "left_out", field: toText(field), of: "request", url }),
		});
		this.#timeoutMs = timeout * 1000;
		this.#context = new ProxyContext({
			pipeline,
			sink,
			pool: this.#pool,
			events: this.#events,
			onEvent,
			bodies: new BodyPolicy(values),
			lenient: !values.validate_inbound_headers,
			timeoutMs: 0,
		});
	}

	/**
	 * Sends the request of a recorded flow, for which `whyNotResendable` must be null. Resolves to the new flow when its
	 * exchange has ended or failed.
	 * @param prepare changes the copy of the request that is sent
	 */
	send(recorded: HttpFlow, prepare: (request: Request) => void = () => {}): Promise<HttpFlow> {
		const request = recorded.request.copy();
		prepare(request);
		return new Promise((resolve) => {
			const sender = new Sender(this.#context, recorded, request, this.#timeoutMs);
			this.#senders.add(sender);
			sender.start((flow) => {
				this.#senders.delete(sender);
				resolve(flow);
			});
		});
	}

	/** Stops waiting for responses: exchanges in progress are recorded as they are. */
	stop(): void {
		for (const sender of this.#senders) sender.stop();
	}

	/** Resolves when all exchanges are recorded. */
	async close(): Promise<void> {
		await this.#context.settled();
		this.#pool.close();
		await this.#events?.allClosed();
	}
}

/** The route of the first mode; other modes are ignored. @throws FlowtapeError FT_BAD_OPTION */
function routeFor({ mode }: OptionValues<typeof options>, credentials: string | null, otherwise: Route): Route {
	const [first] = parseModes({ mode, listen_host: "", listen_port: 0 });
	return first === undefined ? otherwise : routeOf(first, credentials, otherwise);
}

/**
 * Gives an HTTP/1.1 request exactly one Host field (RFC 9112 section 3.2): a file may have none or several. HTTP/2 has
 * a pseudo-header field instead.
 */
function normalizeHost({ headers, httpVersion, authority, host, port, scheme }: Request): void {
	const [first, second] = headers.getAll("host");
	if (second !== undefined) headers.set("host", first as string);
	if (first === undefined && httpVersion !== "HTTP/1.0" && !httpVersion.startsWith("HTTP/2"))
		headers.insert(0, "Host", toText(authority) || formatAuthority(host, port, scheme));
}

/**
 * The number of bytes of an endless response after which the recorded client disconnected; null: it did not disconnect,
 * or the response has a length.
 */
function disconnectedAfter(recorded: HttpFlow): number | null {
	const { response } = recorded;
	if (response === null || endOf(recorded) !== "client" || response.headers.has("content-length")) return null;
	return response.bodySize ?? 0;
}

/** The client's side of one exchange: a complete request, and a response whose bytes are only counted. */
class Sender implements ExchangeHost, BodyWriter {
	readonly context: ProxyContext;
	readonly clientConn: ClientConnection;
	readonly tunnel = null;
	readonly isLeaving = false;
	readonly receivedAt = now();
	readonly #exchange: Exchange;
	readonly #timer: NodeJS.Timeout | null = null;
	/** Bytes of an endless response after which to disconnect, as the recorded client did; null: wait for the end. */
	#disconnectsAfter: number | null;
	#received = 0;
	#resolve: (flow: HttpFlow) => void = () => {};

	constructor(context: ProxyContext, recorded: HttpFlow, request: Request, timeoutMs: number) {
		const { peername, sockname, alpnOffers, tls, sni } = recorded.clientConn;
		this.context = context;
		this.#disconnectsAfter = disconnectedAfter(recorded);
		this.clientConn = clientConnection({
			id: randomUUID(),
			peername,
			sockname,
			alpnOffers,
			tls,
			sni,
			timestampStart: this.receivedAt,
		});
		request.timestampStart = this.receivedAt;
		request.timestampEnd = null;
		dropUnsendable(request.headers);
		normalizeHost(request);
		// The recorded client already got its 100 Continue.
		request.headers.delete("expect");
		this.#exchange = Exchange.whole(this, request);
		const { flow } = this.#exchange;
		flow.isReplay = "request";
		flow.session = recorded.session;
		flow.metadata.replay_of = recorded.id;
		if (timeoutMs > 0)
			this.#timer = setTimeout(
				() => this.#exchange.clientFailed(`no answer within ${timeoutMs / 1000} s`, null),
				timeoutMs,
			);
	}

	/** Call once. */
	start(done: (flow: HttpFlow) => void): void {
		this.#resolve = done;
		this.#exchange.start();
		this.#exchange.requestEnd(null);
		this.flush();
	}

	stop(): void {
		this.#exchange.stop();
	}

	pauseRequest(): void {}
	resumeRequest(): void {}
	sendInterim(): void {}
	sendError(): void {}
	end(): void {}

	write(chunk: Buffer): void {
		this.#received += chunk.length;
		this.#disconnectIfEnough();
	}

	sendResponse({ headers }: Response): BodyWriter {
		// The end of a response with a length will come: wait for it.
		if (headers.has("content-length")) this.#disconnectsAfter = null;
		this.#disconnectIfEnough();
		return this;
	}

	flush(): void {
		this.#exchange.flushRequest();
	}

	exchangeDone(_reusable: boolean, wait: Promise<void> | undefined): void {
		this.#finish(wait);
	}

	abort(): void {
		this.#finish(undefined);
	}

	breakOff(): void {
		this.#finish(undefined);
	}

	/** There is no client to switch protocols: the stream ends at once. */
	detach(): Duplex {
		this.#finish(undefined);
		return new PassThrough().end();
	}

	/**
	 * Disconnects if enough bytes have arrived. Deferred, because the end of the response may have arrived, too: then the
	 * exchange completes first.
	 */
	#disconnectIfEnough(): void {
		if (this.#disconnectsAfter !== null && this.#received >= this.#disconnectsAfter)
			setImmediate(() => this.#exchange.clientFailed(CLIENT_GONE, null));
	}

	#finish(wait: Promise<void> | undefined): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		const { flow } = this.#exchange;
		if (wait === undefined) this.#resolve(flow);
		else void wait.then(() => this.#resolve(flow));
	}
}
