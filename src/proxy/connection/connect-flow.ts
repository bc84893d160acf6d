// A CONNECT request (RFC 9110 section 9.3.6) as a flow. Only hooks see it; it is never recorded.
import { randomUUID } from "node:crypto";
import { now } from "../../clock.ts";
import type { ByteString } from "../../flow/bytes.ts";
import { type ClientConnection, clientConnection, type ServerConnection } from "../../flow/connection.ts";
import { HttpFlow } from "../../flow/flow.ts";
import { Headers } from "../../flow/headers.ts";
import { Request } from "../../flow/message.ts";

/** A CONNECT request. `authority`: host and port as on the wire. */
export function connectRequest(
	host: string,
	port: number,
	authority: ByteString,
	fields: readonly ByteString[],
): Request {
	return new Request({
		method: "CONNECT",
		scheme: "",
		host,
		port,
		authority,
		path: "",
		headers: new Headers([...fields]),
		timestampStart: now(),
	});
}

/** The flow of a CONNECT request. `client`: null if the proxy sends the request on its own behalf. */
export function connectFlow(request: Request, client: ClientConnection | null, serverConn: ServerConnection): HttpFlow {
	const clientConn = client ?? clientConnection({ id: randomUUID() });
	return new HttpFlow({ id: randomUUID(), clientConn, serverConn, request, timestampCreated: request.timestampStart });
}
