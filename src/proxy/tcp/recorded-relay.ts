// A tunnel of bytes that are not HTTP, passed on, and put on the tape as a TCP flow if that is wanted; hooks may change what is recorded.
import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import { now } from "../../clock.ts";
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import { TcpFlow } from "../../flow/flow.ts";
import { Decision } from "../../hooks/decision.ts";
import { after } from "../../maybe-async.ts";
import type { ConnectionEvents } from "../connection/events.ts";
import type { ProxyContext } from "../context/context.ts";
import { type RawRelay, relaySockets, type Way } from "./relay.ts";

export interface TcpRelay {
	context: ProxyContext;
	facts: ClientConnection;
	serverConn: ServerConnection;
	record: boolean;
	/** Whether the bytes of the client may pass; default: all do. */
	mayPass?: ((bytes: Buffer) => boolean) | undefined;
}

/** Joins a client to a server that is connected; a recorded flow is complete when both have closed. */
export function relayTcp(client: Duplex, server: Duplex, relay: TcpRelay): void {
	const { context, record, mayPass = () => true } = relay;
	if (record) context.track(new Promise((resolve) => recordTcp(client, server, relay, resolve)));
	else relaySockets(client, server, { mayPass, onDone: () => {} });
}

function recordTcp(client: Duplex, server: Duplex, { context, facts, serverConn, mayPass = () => true }: TcpRelay, done: () => void): void {
	const flow = new TcpFlow({ id: randomUUID(), clientConn: facts, serverConn, messages: [], timestampCreated: now() });
	const onDone = (error: Error | null) => {
		facts.timestampEnd = serverConn.timestampEnd = now();
		if (error !== null) flow.error = { message: error.message, timestamp: now() };
	};
	const finish = () => {
		void context.record(flow);
		done();
	};
	const { events } = context;
	const hangUp = () => {
		client.destroy();
		server.destroy();
	};
	if (events?.watchesTcp) relaySockets(client, server, { ...watched(flow, events, hangUp, onDone, finish), mayPass });
	else
		relaySockets(client, server, {
			mayPass,
			onBytes: (content, fromClient) => flow.messages.push({ fromClient, content, timestamp: now() }),
			onDone(error) {
				onDone(error);
				finish();
			},
		});
}

/** Everything waits for the hooks, and happens in the order in which it came. A hook may abort it, which is done by `hangUp`. */
function watched(flow: TcpFlow, events: ConnectionEvents, hangUp: () => void, onDone: RawRelay["onDone"], finish: () => void): RawRelay {
	const decision = new Decision(true);
	const steps = new Steps();
	const tell = (name: "tcp_start" | "tcp_message", next: () => void) =>
		after(events.tcp(name, flow, decision), () => (decision.verdict === null ? next() : hangUp()));
	const pass = (content: Buffer, way: Way) => {
		if (decision.verdict !== null) return;
		const message = { fromClient: way.fromClient, content, timestamp: now() };
		flow.messages.push(message);
		return tell("tcp_message", () => way.write(message.content));
	};
	void steps.add(() => tell("tcp_start", () => {}));
	return {
		take(content, way) {
			const wait = steps.add(() => pass(content, way));
			if (wait === undefined) return;
			way.hold();
			void wait.then(() => way.release());
		},
		takeEnd: (way) => void steps.add(() => way.end()),
		onDone(broken) {
			const error = decision.verdict?.kind === "abort" ? new Error(decision.verdict.reason) : broken;
			onDone(error);
			void steps.add(() => after(events.tcp(error === null ? "tcp_end" : "tcp_error", flow, decision), finish));
		},
	};
}

/** Steps one after the other: at once, as long as none takes time. */
class Steps {
	#last: Promise<void> | null = null;

	add(step: () => void | Promise<void>): void | Promise<void> {
		const wait = this.#last === null ? step() : this.#last.then(step);
		if (wait === undefined) return;
		const last: Promise<void> = wait.then(() => {
			if (this.#last === last) this.#last = null;
		});
		this.#last = last;
		return last;
	}
}
