// Sends recorded requests again, each as an exchange like any other: only that nobody waits for the answer but the tape.
import { randomUUID } from "node:crypto";
import { type Duplex, PassThrough } from "node:stream";
import { now } from "../clock.ts";
import { toText } from "../flow/bytes.ts";
import { type ClientConnection, clientConnection } from "../flow/connection.ts";
import { CLIENT_GONE, endOf, isRequestCut } from "../flow/ending.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { Request, Response } from "../flow/message.ts";
import type { FlowSink } from "../flow/pipe.ts";
import { dropUnsendable, unsendable } from "../flow/sendable.ts";
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
	mode: { ...modeOptions.mode, help: "Send the requests through a proxy: upstream:http[s]://PROXY[:PORT]; other modes are of no account." },
} as const;

export interface ReplaySetup {
	options: OptionValues<typeof options>;
	pipeline: Pipeline;
	/** Gets the new flows. It is not closed. */
	sink: FlowSink;
	onEvent?: (event: ProxyEvent) => void;
	/** How long an answer may take, in seconds; 0: as long as it takes. */
	timeout?: number;
	/** Proxies on the way to servers, unless the first mode names one; default: none. */
	route?: Route | null;
	/** What the proxy that a mode names gets as Proxy-Authorization; default: nothing. */
	upstreamCredentials?: string | null;
}

/** Why a recorded flow cannot be sent again; null where it can. */
export function whyNotResendable(flow: HttpFlow): string | null {
	if (flow.websocket !== null) return "it is a WebSocket conversation";
	if (flow.request.method === "CONNECT") return "it is a CONNECT";
	if (isRequestCut(flow)) return "its request broke off when it was recorded, and is not whole";
	return flow.request.body === null ? "its request's body was not recorded" : unsendable(flow.request);
}

export class ReplayClient {
	readonly #pool: UpstreamPool;
	readonly #context: ProxyContext;
	readonly #events: ConnectionEvents | null;
	readonly #timeoutMs: number;
	readonly #underWay = new Set<Sender>();

	/** @throws FlowtapeError FT_BAD_OPTION */
	constructor({ options: values, pipeline, sink, onEvent = () => {}, timeout = 0, route, upstreamCredentials }: ReplaySetup) {
		this.#events = ConnectionEvents.of(pipeline);
		this.#pool = new UpstreamPool(values, {
			events: this.#events,
			route: wayOf(values, upstreamCredentials ?? null, route ?? (() => null)),
			isOwn: () => false,
			onDial: (destination) => onEvent({ kind: "egress", destination }),
			onLeftOut: (field, { prettyUrl: url }) => onEvent({ kind: "left_out", field: toText(field), of: "request", url }),
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
	 * Sends the request of a recorded flow that is not `whyNotResendable`. Resolves to the new flow when its exchange is over, however it ended.
	 * @param prepare changes the copy of the request that is sent
	 */
	send(recorded: HttpFlow, prepare: (request: Request) => void = () => {}): Promise<HttpFlow> {
		const request = recorded.request.copy();
		prepare(request);
		return new Promise((resolve) => {
			const sender = new Sender(this.#context, recorded, request, this.#timeoutMs);
			this.#underWay.add(sender);
			sender.start((flow) => {
				this.#underWay.delete(sender);
				resolve(flow);
			});
		});
	}

	/** Waits for no answer any more: what is under way goes to the tape as it is. */
	stop(): void {
		for (const sender of this.#underWay) sender.stop();
	}

	/** Resolves when all that was under way is on the tape. */
	async close(): Promise<void> {
		await this.#context.settled();
		this.#pool.close();
		await this.#events?.settled();
	}
}

/** Only the first mode counts, as it is the one that clients of a proxy would meet first. @throws FlowtapeError FT_BAD_OPTION */
function wayOf({ mode }: OptionValues<typeof options>, credentials: string | null, otherwise: Route): Route {
	const [first] = parseModes({ mode, listen_host: "", listen_port: 0 });
	return first === undefined ? otherwise : routeOf(first, credentials, otherwise);
}

/** A request of HTTP/1.1 has one Host, which a file may have left out (RFC 9112 section 3.2); in HTTP/2 the pseudo-field says it. */
function settleHost({ headers, httpVersion, authority, host, port, scheme }: Request): void {
	const [first, second] = headers.getAll("host");
	if (second !== undefined) headers.set("host", first as string);
	if (first === undefined && httpVersion !== "HTTP/1.0" && !httpVersion.startsWith("HTTP/2"))
		headers.insert(0, "Host", toText(authority) || formatAuthority(host, port, scheme));
}

/** How much of a stream was enough for the client that was recorded; null: it did not leave one. */
function leftAfter(recorded: HttpFlow): number | null {
	const { response } = recorded;
	if (response === null || endOf(recorded) !== "client" || response.headers.has("content-length")) return null;
	return response.bodySize ?? 0;
}

/** The client's side of one exchange: a request that is all there, and an answer that nobody reads. */
class Sender implements ExchangeHost, BodyWriter {
	readonly context: ProxyContext;
	readonly facts: ClientConnection;
	readonly tunnel = null;
	readonly isLeaving = false;
	readonly receivedAt = now();
	readonly #exchange: Exchange;
	readonly #timer: NodeJS.Timeout | null = null;
	/** Bytes of a stream without an end after which the client that was recorded left; null: it waited for the end. */
	#leavesAfter: number | null;
	#received = 0;
	#resolve: (flow: HttpFlow) => void = () => {};

	constructor(context: ProxyContext, recorded: HttpFlow, request: Request, timeoutMs: number) {
		const { peername, sockname, alpnOffers, tls, sni } = recorded.clientConn;
		this.context = context;
		this.#leavesAfter = leftAfter(recorded);
		this.facts = clientConnection({ id: randomUUID(), peername, sockname, alpnOffers, tls, sni, timestampStart: this.receivedAt });
		request.timestampStart = this.receivedAt;
		request.timestampEnd = null;
		dropUnsendable(request.headers);
		settleHost(request);
		// it was answered when it was recorded
		request.headers.delete("expect");
		this.#exchange = Exchange.whole(this, request);
		const { flow } = this.#exchange;
		flow.isReplay = "request";
		flow.metadata.replay_of = recorded.id;
		if (timeoutMs > 0) this.#timer = setTimeout(() => this.#exchange.clientFailed(`no answer within ${timeoutMs / 1000} s`, null), timeoutMs);
	}

	/** To be called once. */
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
		this.#leaveIfEnough();
	}

	sendResponse({ headers }: Response): BodyWriter {
		// one with an end is waited for
		if (headers.has("content-length")) this.#leavesAfter = null;
		this.#leaveIfEnough();
		return this;
	}

	flush(): void {
		this.#exchange?.flushRequest();
	}

	exchangeDone(_reusable: boolean, wait: Promise<void> | undefined): void {
		this.#done(wait);
	}

	abort(): void {
		this.#done(undefined);
	}

	breakOff(): void {
		this.#done(undefined);
	}

	/** Nobody here speaks another protocol. */
	detach(): Duplex {
		this.#done(undefined);
		return new PassThrough().end();
	}

	/** Its end may be here already, and counts then. */
	#leaveIfEnough(): void {
		if (this.#leavesAfter !== null && this.#received >= this.#leavesAfter) setImmediate(() => this.#exchange.clientFailed(CLIENT_GONE, null));
	}

	#done(wait: Promise<void> | undefined): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		const { flow } = this.#exchange;
		if (wait === undefined) this.#resolve(flow);
		else void wait.then(() => this.#resolve(flow));
	}
}
