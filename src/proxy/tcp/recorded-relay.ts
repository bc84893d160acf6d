// Relays a connection that is not HTTP, and optionally records it as a TCP flow. Hooks can change the messages of a
// recorded flow.
import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import { now } from "../../clock.ts";
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import { TcpFlow } from "../../flow/flow.ts";
import { Decision } from "../../hooks/decision.ts";
import { after, type MaybeAsync } from "../../maybe-async.ts";
import type { ConnectionEvents } from "../connection/events.ts";
import type { OpenRecord, ProxyContext } from "../context/context.ts";
import { type RelayHandlers, relaySockets, type SocketPipe } from "./relay.ts";

export interface TcpRelay {
	context: ProxyContext;
	clientConn: ClientConnection;
	serverConn: ServerConnection;
	record: boolean;
	/** Whether bytes from the client may pass; default: always. */
	mayPass?: ((bytes: Buffer) => boolean) | undefined;
}

/** Relays bytes between a client and a connected server. A recorded flow is complete when both are closed. */
export function relayTcp(client: Duplex, server: Duplex, relay: TcpRelay): void {
	const { context, record, mayPass = () => true } = relay;
	if (record) context.track(new Promise((resolve) => recordTcp(client, server, relay, resolve)));
	else relaySockets(client, server, { mayPass, onDone: () => {} });
}

function recordTcp(
	client: Duplex,
	server: Duplex,
	{ context, clientConn, serverConn, mayPass = () => true }: TcpRelay,
	onComplete: () => void,
): void {
	const flow = new TcpFlow({
		id: randomUUID(),
		clientConn,
		serverConn,
		messages: [],
		timestampCreated: now(),
		session: context.sessionOf(clientConn),
	});
	const record = context.open(flow);
	const onDone = (error: Error | null) => {
		clientConn.timestampEnd = serverConn.timestampEnd = now();
		if (error !== null) flow.error = { message: error.message, timestamp: now() };
	};
	const finish = () => {
		record.close();
		onComplete();
	};
	const { events } = context;
	const hangUp = () => {
		client.destroy();
		server.destroy();
	};
	if (events?.watchesTcp)
		relaySockets(client, server, { ...hookedHandlers(flow, events, { hangUp, record, onDone, finish }), mayPass });
	else
		relaySockets(client, server, {
			mayPass,
			onBytes(content, fromClient) {
				const message = { fromClient, content, timestamp: now() };
				record.take(message);
				record.store(message);
			},
			onDone(error) {
				onDone(error);
				finish();
			},
		});
}

interface HookedRelay extends Pick<RelayHandlers, "onDone"> {
	/** Closes both sides. */
	hangUp(): void;
	record: OpenRecord;
	finish(): void;
}

/** The handlers of a relay whose messages wait for hooks, in order. If a hook aborts the flow, `hangUp` is called. */
function hookedHandlers(
	flow: TcpFlow,
	events: ConnectionEvents,
	{ hangUp, record, onDone, finish }: HookedRelay,
): RelayHandlers {
	const decision = new Decision(true);
	const queue = new SerialQueue();
	const pass = (content: Buffer, pipe: SocketPipe) => {
		if (decision.verdict !== null) return;
		const message = { fromClient: pipe.fromClient, content, timestamp: now() };
		record.take(message);
		return after(events.tcp("tcp_message", flow, decision), () => {
			record.store(message);
			if (decision.verdict === null) pipe.write(message.content);
			else hangUp();
		});
	};
	void queue.enqueue(() =>
		after(events.tcp("tcp_start", flow, decision), () => {
			if (decision.verdict !== null) hangUp();
		}),
	);
	return {
		handleBytes(content, pipe) {
			const wait = queue.enqueue(() => pass(content, pipe));
			if (wait === undefined) return;
			pipe.pause();
			void wait.then(() => pipe.resume());
		},
		handleEnd: (pipe) => void queue.enqueue(() => pipe.end()),
		onDone(broken) {
			const error = decision.verdict?.kind === "abort" ? new Error(decision.verdict.reason) : broken;
			onDone(error);
			void queue.enqueue(() => after(events.tcp(error === null ? "tcp_end" : "tcp_error", flow, decision), finish));
		},
	};
}

/** Runs tasks one after the other; synchronously while none of them returns a promise. */
class SerialQueue {
	#last: Promise<void> | null = null;

	enqueue(task: () => MaybeAsync): MaybeAsync {
		const wait = this.#last === null ? task() : this.#last.then(task);
		if (wait === undefined) return;
		const last: Promise<void> = wait.then(() => {
			if (this.#last === last) this.#last = null;
		});
		this.#last = last;
		return last;
	}
}
