// What becomes of a connection that the proxy has accepted, by the mode of the port it came to.
import type { Socket } from "node:net";
import type { LeafIssuer } from "../../ca/authority.ts";
import { FlowtapeError } from "../../errors.ts";
import { parseBasic } from "../../flow/basic-credentials.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { ClientConnection as ClientFacts } from "../../flow/connection.ts";
import { Headers } from "../../flow/headers.ts";
import { Response } from "../../flow/message.ts";
import { formatAuthority } from "../../flow/url.ts";
import type { HostNames, PassthroughHosts, ProxyAuthenticator } from "../../hooks/authenticator.ts";
import { Decision } from "../../hooks/decision.ts";
import type { OptionTable, OptionValues } from "../../options.ts";
import { ClientConnection } from "../client/http1-connection.ts";
import { ClientHttp2 } from "../client/http2-connection.ts";
import type { Dial } from "../connection/attempt.ts";
import { connectFlow, connectRequest } from "../connection/connect-flow.ts";
import type { ConnectionEvents } from "../connection/events.ts";
import { clientFacts, forgetTls, serverFacts } from "../connection/facts.ts";
import type { ProxyContext } from "../context/context.ts";
import { errorPage } from "../exchange/error-page.ts";
import { isForNextProxy } from "../route/destination.ts";
import type { ProxyMode } from "../route/modes.ts";
import { connectTarget, reverseTo, type TunnelTarget, tunnelTo } from "../route/target.ts";
import { Socks5Connection } from "../tunnel/socks5.ts";
import { Tunnel, options as tunnelOptions } from "../tunnel/tunnel.ts";
import { TunnelRefusal } from "../upstream/proxy.ts";
import { type RequestHead, writeResponseHead } from "../wire/head.ts";
import { isPersistent } from "../wire/hop-by-hop.ts";
import { options as accessOptions, refusalOf } from "./access.ts";
import { NextProxy, type TunnelDone } from "./next-proxy.ts";
import { ProxyTls } from "./proxy-tls.ts";

export const options = {
	...tunnelOptions,
	...accessOptions,
	keep_host_header: { type: "boolean", default: false, help: "Reverse mode: leave the Host header of requests, instead of making it the target's." },
} as const satisfies OptionTable;

/** What the proxy keeps track of until it is over. */
export interface TrackedConnection {
	/** The proxy ends: nothing new is to begin. */
	drain(): void;
	/** Ends at once. */
	stop(): void;
}

export interface EntrySettings {
	mode: ProxyMode;
	context: ProxyContext;
	values: OptionValues<typeof options>;
	authority: LeafIssuer;
	/** Asks clients who they are before they get a tunnel; null: nobody is asked. */
	authenticator: ProxyAuthenticator | null;
	/** Hosts that are not to be looked into; null: there are none. */
	hosts: PassthroughHosts | null;
	/** Whether clients of a host are offered HTTP/1.1 first where its server is not asked; null: none are. */
	prefersHttp1: ((names: HostNames) => boolean) | null;
	onOpen: (one: TrackedConnection) => void;
	onClose: (one: TrackedConnection) => void;
}

/** A client that asks for a tunnel. */
interface Asked {
	socket: Socket;
	head: RequestHead;
	facts: ClientFacts;
	/** Who decides; null: this proxy. */
	next: NextProxy | null;
}

/** How long a client that was turned away may take to go. */
const LEAVING_MS = 2_000;

type Decided = (response: Response, opened: TunnelTarget | null) => void;

/** The way in of one listener. */
export class ConnectionAcceptor {
	readonly #settings: EntrySettings;
	readonly #reverse: TunnelTarget | null;

	constructor(settings: EntrySettings) {
		const { mode, values } = settings;
		this.#settings = settings;
		this.#reverse = mode.kind === "reverse" ? reverseTo(mode.server, values.keep_host_header) : null;
	}

	accept(socket: Socket): void {
		socket.on("error", () => {});
		if (socket.destroyed) return;
		const { mode, context, values } = this.#settings;
		const { events } = context;
		const facts = clientFacts(socket, mode.text);
		const refusal = refusalOf(facts.peername?.[0] ?? "", values);
		if (refusal !== null) {
			context.emit({ kind: "client_error", message: `clients with this address are hung up on (${refusal})`, client: clientName(facts) });
			socket.destroy();
		} else if (events !== null) this.#welcome(socket, facts, events);
		else this.#begin(socket, facts);
	}

	#begin(socket: Socket, facts: ClientFacts): void {
		if (this.#reverse !== null) this.#openTunnel(socket, this.#reverse, facts);
		else if (this.#settings.mode.kind === "socks5") this.#greet(socket, facts);
		else this.#serve(socket, facts);
	}

	/** Goes on once the hooks that want to know of clients have let this one in. */
	#welcome(socket: Socket, facts: ClientFacts, events: ConnectionEvents): void {
		const { context } = this.#settings;
		const welcomed = () => {
			if (facts.error === null) return this.#begin(socket, facts);
			context.emit({ kind: "client_error", message: `a script hangs up on this client: ${facts.error}`, client: clientName(facts) });
			socket.destroy();
		};
		this.#after(socket, events.clientConnected(socket, facts), welcomed);
	}

	/** Goes on at once or later, unless the client or the proxy has gone by then. */
	#after(socket: Socket, wait: void | Promise<void>, next: () => void): void {
		if (wait === undefined) {
			next();
			return;
		}
		const { onOpen, onClose } = this.#settings;
		const waiting = hungUpOn(socket);
		onOpen(waiting);
		void wait.then(() => {
			onClose(waiting);
			if (!socket.destroyed) next();
		});
	}

	/** HTTP from a client that knows that it speaks to a proxy. `next`: where its CONNECTs went until now. */
	#serve(socket: Socket, facts: ClientFacts, next: NextProxy | null = null): void {
		const { context, onOpen, onClose } = this.#settings;
		const onConnect = (accepted: Socket, head: RequestHead) => this.#connect(accepted, head, facts, next);
		const onTls = facts.tls ? null : (accepted: Socket) => this.#secure(accepted, facts);
		onOpen(new ClientConnection(socket, { context, facts, tunnel: null, onConnect, onHttp2: null, onTls, onClose }));
	}

	/** TLS with the proxy itself; what comes inside is as it would be without. */
	#secure(socket: Socket, facts: ClientFacts): void {
		const { context, authority, onOpen, onClose } = this.#settings;
		onOpen(new ProxyTls(socket, { context, authority, facts, onSecure: (secured) => this.#serve(secured, facts), onClose }));
	}

	/** HTTP in a tunnel, in the version that the client chose, or begins with. */
	#serveInside(socket: Socket, tunnel: TunnelTarget, facts: ClientFacts): void {
		const { context, values, onOpen, onClose } = this.#settings;
		const settings = { context, facts, tunnel, onClose };
		const serve = (one: TrackedConnection) => {
			tunnel.opened?.whenOver(() => one.drain());
			onOpen(one);
		};
		const onHttp2 = (accepted: Socket) => serve(new ClientHttp2(accepted, settings));
		if (facts.alpn === "h2") onHttp2(socket);
		else serve(new ClientConnection(socket, { ...settings, onConnect: null, onTls: null, onHttp2: values.http2 ? onHttp2 : null }));
	}

	/** A client asks for a tunnel. */
	#connect(socket: Socket, head: RequestHead, facts: ClientFacts, next: NextProxy | null): void {
		const { authenticator, context } = this.#settings;
		const given = new Headers(head.fields).get("proxy-authorization");
		// Where nobody is asked here, they are for the next proxy.
		const credentials = authenticator === null && isForNextProxy(facts) ? given : null;
		const target = this.#targetFrom(socket, () => connectTarget(head));
		if (target === null) return;
		const asked: Asked = { socket, head, facts, next: next ?? this.#nextProxyOf(facts, socket) };
		const establish = () => {
			if (context.events?.watchesTunnels) this.#announce(asked, { ...target, credentials }, context.events);
			else
				this.#open(asked, { ...target, credentials }, (response, opened) => {
					if (opened === null) this.#refuse(asked, response);
					else this.#establish(asked, response, opened);
				});
		};
		const user = parseBasic(given)?.[0];
		if (user !== undefined) facts.proxyUser = user;
		if (authenticator === null) establish();
		else this.#guard(socket, authenticator, authenticator.admitBy(facts, given), establish);
	}

	/** Where the client's CONNECTs are decided on; null: here. */
	#nextProxyOf(facts: ClientFacts, socket: Socket): NextProxy | null {
		const { authenticator, context, values } = this.#settings;
		if (context.pool === null || authenticator !== null || !isForNextProxy(facts) || values.connection_strategy !== "eager") return null;
		const next = new NextProxy(context.pool);
		socket.once("close", () => next.close());
		return next;
	}

	/** Opens the way for a tunnel, where somebody else decides on it. `done` gets the answer for the client, and how the tunnel goes on; null: not at all. */
	#open(asked: Asked, target: TunnelTarget, done: Decided): void {
		const { facts, next } = asked;
		const place = { ...target, client: facts };
		if (next?.decidesOn(place)) this.#follow(asked.socket, target, (decided) => next.ask(place, decided), done);
		else done(established(), target);
	}

	/** Goes on as the next proxy decides, unless the client goes first. */
	#follow(socket: Socket, target: TunnelTarget, ask: (decided: TunnelDone) => Dial, done: Decided): void {
		const { onOpen, onClose } = this.#settings;
		const waiting = hungUpOn(socket);
		const dial = ask((error, opened) => {
			socket.removeListener("close", leave);
			onClose(waiting);
			if (opened !== null) {
				socket.once("close", () => opened.close());
				done(established(), { ...target, credentials: opened.credentials, opened });
			} else if (error instanceof TunnelRefusal) {
				this.#tellRefusal(error, target);
				done(error.response, null);
			}
			// What the next proxy does not say itself is told in the answer to the request.
			else done(established(), { ...target, opened: null });
		});
		const leave = () => {
			onClose(waiting);
			dial.cancel();
		};
		onOpen(waiting);
		socket.once("close", leave);
	}

	/** That it asks who the client is belongs to every login. */
	#tellRefusal({ message, response }: TunnelRefusal, { host, port }: TunnelTarget): void {
		if (response.statusCode !== 407) this.#settings.context.emit({ kind: "upstream_error", message, destination: formatAuthority(host, port) });
	}

	#establish({ socket, facts }: Asked, { statusCode, reason, headers }: Response, target: TunnelTarget): void {
		if (facts.tls) forgetTls(facts);
		socket.write(writeResponseHead("HTTP/1.1", statusCode, reason, headers.fields), "latin1");
		this.#openTunnel(socket, target, facts);
	}

	/** The client may go on asking, as a login takes several rounds; but what it has sent for the tunnel is no request. */
	#refuse({ socket, head, facts, next }: Asked, response: Response): void {
		if (next === null || !isPersistent(head.version, head.fields) || socket.readableLength > 0) {
			this.#turnAway(socket, writeWhole(response, CLOSE));
			return;
		}
		response.headers.set("Content-Length", String(response.rawContent?.length ?? 0));
		socket.write(writeWhole(response), "latin1");
		this.#serve(socket, facts, next);
	}

	/** null, and the client is told, where there can be no such host. */
	#targetFrom(socket: Socket, read: () => TunnelTarget): TunnelTarget | null {
		try {
			return read();
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			this.#turnAway(socket, errorPage(400, error.message));
			return null;
		}
	}

	/** Lets hooks see the request for a tunnel: they may lead it elsewhere, answer in our place, or hang up. */
	#announce(asked: Asked, { host, port, credentials = null }: TunnelTarget, events: ConnectionEvents): void {
		const { socket, head, facts } = asked;
		const flow = connectFlow(connectRequest(host, port, head.target, head.fields), facts, serverFacts(host, port));
		const decision = new Decision(true);
		const settle: Decided = (response, opened) => {
			flow.response = response;
			this.#after(socket, events.tunnel(opened === null ? "http_connect_error" : "http_connected", flow, decision), () => {
				if (opened === null) this.#refuse(asked, response);
				else this.#establish(asked, response, opened);
			});
		};
		this.#after(socket, events.tunnel("http_connect", flow, decision), () => {
			const { verdict } = decision;
			if (verdict !== null && verdict.kind !== "answer") return void socket.destroy();
			const said = verdict?.response ?? null;
			if (said !== null && said.statusCode >= 300) return settle(said, null);
			const target = this.#targetFrom(socket, () => tunnelTo(flow.request.host, flow.request.port));
			if (target !== null) this.#open(asked, { ...target, credentials }, (response, opened) => settle(opened === null ? response : (said ?? response), opened));
		});
	}

	/** Goes on once the authenticator has let the client in. */
	#guard(socket: Socket, authenticator: ProxyAuthenticator, admission: Promise<boolean>, next: () => void): void {
		let isWelcome = false;
		const decided = admission.then(
			(welcome) => {
				isWelcome = welcome;
			},
			() => {},
		);
		this.#after(socket, decided, () => (isWelcome ? next() : this.#turnAway(socket, writeWhole(authenticator.challenge(), CLOSE))));
	}

	/** Answers and hangs up. What the client still sends is of no interest, but a reset would destroy what it has not read yet. */
	#turnAway(socket: Socket, answer: ByteString): void {
		const { onOpen, onClose } = this.#settings;
		const leaving = hungUpOn(socket);
		onOpen(leaving);
		socket.once("close", () => onClose(leaving)).setTimeout(LEAVING_MS, leaving.stop);
		socket.end(answer, "latin1");
		socket.resume();
	}

	#openTunnel(socket: Socket, target: TunnelTarget, facts: ClientFacts): void {
		const { context, values, authority, hosts, prefersHttp1, authenticator, onOpen, onClose } = this.#settings;
		const onHttp = (inner: Socket, to: TunnelTarget) => this.#serveInside(inner, to, facts);
		context.emit({ kind: "tunnel", host: target.host, port: target.port });
		const tunnel = new Tunnel(socket, target, {
			context,
			values,
			authority,
			hosts,
			prefersHttp1,
			facts,
			requestsOnly: authenticator !== null && target.fixed !== undefined,
			onHttp,
			onClose,
		});
		onOpen(tunnel);
		tunnel.start();
	}

	#greet(socket: Socket, facts: ClientFacts): void {
		const { context, authenticator, onOpen, onClose } = this.#settings;
		const connection = new Socks5Connection(socket, {
			login: authenticator === null ? null : (user, password) => authenticator.admit(facts, user, password),
			timeoutMs: context.timeoutMs,
			onTunnel: (accepted, target) => this.#openTunnel(accepted, target, facts),
			onRefused: (reason) => context.emit({ kind: "client_error", message: reason, client: clientName(facts) }),
			onClose,
		});
		onOpen(connection);
	}
}

/** What has no end of its own that the proxy could wait for. */
function hungUpOn(socket: Socket): TrackedConnection {
	return { drain() {}, stop: () => socket.destroy() };
}

function established(): Response {
	return new Response({ statusCode: 200, reason: "Connection established" });
}

function clientName({ peername }: ClientFacts): string {
	return peername === null ? "a client that has gone" : formatAuthority(peername[0], peername[1]);
}

const CLOSE = ["Connection", "close"];

function writeWhole({ statusCode, reason, headers, rawContent }: Response, more: readonly ByteString[] = []): ByteString {
	return writeResponseHead("HTTP/1.1", statusCode, reason, [...headers.fields, ...more]) + (rawContent?.latin1Slice() ?? "");
}
