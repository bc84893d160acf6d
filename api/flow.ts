// The package entry `flowtape/flow`: the classes and types of flows. It loads nothing that reads files or opens
// sockets.
export type { Body, BodySource } from "../src/flow/body.ts";
export {
	type Address,
	type ClientConnection,
	type Connection,
	clientConnection,
	type ServerConnection,
	serverConnection,
} from "../src/flow/connection.ts";
export { CookieJar, type CookieOrigin } from "../src/flow/cookie-jar.ts";
export {
	DnsFlow,
	type DnsMessage,
	type Flow,
	type FlowEnd,
	type FlowFailure,
	HttpFlow,
	type StreamMessage,
	TcpFlow,
	UdpFlow,
	type WebSocketData,
	type WebSocketMessage,
} from "../src/flow/flow.ts";
export { Headers } from "../src/flow/headers.ts";
export { Request, type RequestInit, Response, type ResponseInit } from "../src/flow/message.ts";
export type { Metadata, MetaValue } from "../src/flow/metadata.ts";
export { formatUrl, parseUrl } from "../src/flow/url.ts";
