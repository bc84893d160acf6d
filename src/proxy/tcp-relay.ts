// A tunnel of bytes that are not HTTP, passed on untouched, and put on the tape as a TCP flow if that is wanted.
import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import type { ClientConnection, ServerConnection } from "../flow/connection.ts";
import { TcpFlow } from "../flow/flow.ts";
import { now } from "./clock.ts";
import type { ProxyContext } from "./context.ts";
import { relaySockets } from "./raw-relay.ts";

export interface TcpRelay {
	context: ProxyContext;
	facts: ClientConnection;
	serverConn: ServerConnection;
	record: boolean;
}

/** Joins a client to a server that is connected; a recorded flow is complete when both have closed. */
export function relayTcp(client: Duplex, server: Duplex, relay: TcpRelay): void {
	const { context, record } = relay;
	if (record) context.track(new Promise((resolve) => recordTcp(client, server, relay, resolve)));
	else relaySockets(client, server, { onDone: () => {} });
}

function recordTcp(client: Duplex, server: Duplex, { context, facts, serverConn }: TcpRelay, done: () => void): void {
	const flow = new TcpFlow({ id: randomUUID(), clientConn: facts, serverConn, messages: [], timestampCreated: now() });
	relaySockets(client, server, {
		onBytes: (content, fromClient) => flow.messages.push({ fromClient, content, timestamp: now() }),
		onDone(error) {
			facts.timestampEnd = serverConn.timestampEnd = now();
			if (error !== null) flow.error = { message: error.message, timestamp: now() };
			void context.record(flow);
			done();
		},
	});
}
