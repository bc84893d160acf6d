// A flow as a record of a dump, version 21: exactly the keys and kinds that mitmproxy's loader insists on.
import type { Address, ClientConnection, Connection, ServerConnection } from "../../src/flow/connection.ts";
import type { DnsFlow, DnsMessage, DnsQuestion, DnsRecord, Flow, HttpFlow, StreamMessage, WebSocketData } from "../../src/flow/flow.ts";
import type { Headers } from "../../src/flow/headers.ts";
import type { Message, Request, Response } from "../../src/flow/message.ts";
import { Float, type MetaValue } from "../../src/flow/metadata.ts";
import { TAG, Writer } from "./tnetstring.ts";

/** Versions of TLS that mitmproxy knows; it refuses a file with any other. */
const TLS_VERSIONS = new Set(["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "DTLSv0.9", "DTLSv1", "DTLSv1.2", "QUICv1"]);

/** Told of what version 21 has no room for. */
export type LossReport = (what: string) => void;

const writer = new Writer();

/** The bytes of a record. */
export function writeFlow(flow: Flow, lost: LossReport): Buffer {
	if (flow.extra !== undefined) lost("fields of a newer format");
	dictionary(() => {
		// from the last field to the first: the writer goes backwards
		if (flow.type === "http") httpFields(flow, lost);
		else if (flow.type === "dns") dnsFields(flow);
		else field("messages", () => list(flow.messages, streamMessage));
		field("backup", () => meta(flow.backup));
		field("timestamp_created", () => writer.float(flow.timestampCreated));
		field("comment", () => writer.text(flow.comment));
		field("metadata", () => meta(flow.metadata));
		field("marked", () => writer.text(flow.marked));
		field("is_replay", () => optionalText(flow.isReplay));
		field("intercepted", () => writer.boolean(flow.intercepted));
		field("server_conn", () => serverFields(flow.serverConn, lost));
		field("client_conn", () => clientFields(flow.clientConn, lost));
		field("error", () => errorFields(flow));
		field("id", () => writer.text(flow.id));
		field("type", () => writer.text(flow.type));
		field("version", () => writer.integer(21));
	});
	return writer.take();
}

function dictionary(fields: () => void): void {
	const begun = writer.begin(TAG.dictionary);
	fields();
	writer.end(begun);
}

function list<T>(items: readonly T[], write: (item: T) => void): void {
	const begun = writer.begin(TAG.list);
	for (let i = items.length - 1; i >= 0; i--) write(items[i] as T);
	writer.end(begun);
}

function field(name: string, value: () => void): void {
	value();
	writer.text(name);
}

function httpFields(flow: HttpFlow, lost: LossReport): void {
	field("websocket", () => (flow.websocket === null ? writer.null() : webSocketFields(flow.websocket)));
	field("response", () => (flow.response === null ? writer.null() : responseFields(flow.response, lost)));
	field("request", () => requestFields(flow.request, lost));
}

function requestFields(request: Request, lost: LossReport): void {
	dictionary(() => {
		messageFields(request, lost);
		field("path", () => writer.bytes(request.path));
		field("authority", () => writer.bytes(request.authority));
		field("scheme", () => writer.bytes(request.scheme));
		field("method", () => writer.bytes(request.method));
		field("port", () => writer.integer(request.port));
		field("host", () => writer.text(request.host));
	});
}

function responseFields(response: Response, lost: LossReport): void {
	dictionary(() => {
		messageFields(response, lost);
		field("reason", () => writer.bytes(response.reason));
		field("status_code", () => writer.integer(response.statusCode));
	});
}

function messageFields(message: Message, lost: LossReport): void {
	if (message.extra !== undefined) lost("fields of a newer format");
	field("timestamp_end", () => optionalFloat(message.timestampEnd));
	field("timestamp_start", () => writer.float(message.timestampStart));
	field("trailers", () => (message.trailers === null ? writer.null() : headers(message.trailers)));
	field("content", () => optionalBytes(message.rawContent));
	field("headers", () => headers(message.headers));
	field("http_version", () => writer.bytes(message.httpVersion));
}

function headers({ fields }: Headers): void {
	const begun = writer.begin(TAG.list);
	for (let i = fields.length - 2; i >= 0; i -= 2) {
		const pair = writer.begin(TAG.list);
		writer.bytes(fields[i + 1] as string);
		writer.bytes(fields[i] as string);
		writer.end(pair);
	}
	writer.end(begun);
}

function webSocketFields(websocket: WebSocketData): void {
	dictionary(() => {
		field("timestamp_end", () => optionalFloat(websocket.timestampEnd));
		field("close_reason", () => optionalText(websocket.closeReason));
		field("close_code", () => optionalInteger(websocket.closeCode));
		field("closed_by_client", () => (websocket.closedByClient === null ? writer.null() : writer.boolean(websocket.closedByClient)));
		field("messages", () =>
			list(websocket.messages, (message) => {
				const begun = writer.begin(TAG.list);
				writer.boolean(message.injected);
				writer.boolean(message.dropped);
				writer.float(message.timestamp);
				writer.bytes(message.content);
				writer.boolean(message.fromClient);
				writer.integer(message.opcode);
				writer.end(begun);
			}),
		);
	});
}

function streamMessage(message: StreamMessage): void {
	const begun = writer.begin(TAG.list);
	writer.float(message.timestamp);
	writer.bytes(message.content);
	writer.boolean(message.fromClient);
	writer.end(begun);
}

function dnsFields(flow: DnsFlow): void {
	field("response", () => (flow.response === null ? writer.null() : dnsMessage(flow.response)));
	field("request", () => dnsMessage(flow.request));
}

function dnsMessage(message: DnsMessage): void {
	dictionary(() => {
		// 11.1 and older insist on a number
		field("timestamp", () => writer.float(message.timestamp ?? 0));
		field("additionals", () => list(message.additionals, dnsRecord));
		field("authorities", () => list(message.authorities, dnsRecord));
		field("answers", () => list(message.answers, dnsRecord));
		field("questions", () => list(message.questions, (question) => dictionary(() => dnsQuestion(question))));
		field("response_code", () => writer.integer(message.responseCode));
		field("reserved", () => writer.integer(message.reserved));
		field("recursion_available", () => writer.boolean(message.recursionAvailable));
		field("recursion_desired", () => writer.boolean(message.recursionDesired));
		field("truncation", () => writer.boolean(message.truncation));
		field("authoritative_answer", () => writer.boolean(message.authoritativeAnswer));
		field("op_code", () => writer.integer(message.opCode));
		field("query", () => writer.boolean(message.query));
		field("id", () => writer.integer(message.id));
	});
}

function dnsRecord(record: DnsRecord): void {
	dictionary(() => {
		field("data", () => writer.bytes(record.data));
		field("ttl", () => writer.integer(record.ttl));
		dnsQuestion(record);
	});
}

function dnsQuestion(question: DnsQuestion): void {
	field("class_", () => writer.integer(question.class));
	field("type", () => writer.integer(question.type));
	field("name", () => writer.text(question.name));
}

function clientFields(client: ClientConnection, lost: LossReport): void {
	dictionary(() => {
		field("proxy_mode", () => writer.text(client.proxyMode));
		field("mitmcert", () => optionalBytes(client.mitmcert));
		connectionFields(client, lost);
		field("timestamp_start", () => writer.float(client.timestampStart ?? 0));
		field("sockname", () => address(client.sockname ?? ["", 0]));
		field("peername", () => address(client.peername ?? ["", 0]));
	});
}

function serverFields(server: ServerConnection, lost: LossReport): void {
	dictionary(() => {
		field("via", () => (server.via === null ? writer.null() : via(server.via)));
		field("timestamp_tcp_setup", () => optionalFloat(server.timestampTcpSetup));
		field("address", () => (server.address === null ? writer.null() : address([server.address[0], server.address[1]])));
		connectionFields(server, lost);
		field("timestamp_start", () => optionalFloat(server.timestampStart));
		field("sockname", () => (server.sockname === null ? writer.null() : address(server.sockname)));
		field("peername", () => (server.peername === null ? writer.null() : address(server.peername)));
	});
}

function connectionFields(connection: Connection, lost: LossReport): void {
	if (connection.extra !== undefined) lost("fields of a newer format");
	const { tlsVersion } = connection;
	const isKnown = tlsVersion === null || TLS_VERSIONS.has(tlsVersion);
	if (!isKnown) lost(`the TLS version "${tlsVersion}"`);
	field("timestamp_tls_setup", () => optionalFloat(connection.timestampTlsSetup));
	field("timestamp_end", () => optionalFloat(connection.timestampEnd));
	field("sni", () => optionalText(connection.sni));
	field("tls_version", () => optionalText(isKnown ? tlsVersion : null));
	field("cipher_list", () => list(connection.cipherList, (cipher) => writer.text(cipher)));
	field("cipher", () => optionalText(connection.cipher));
	field("alpn_offers", () => list(connection.alpnOffers, (offer) => writer.bytes(offer)));
	field("alpn", () => optionalBytes(connection.alpn));
	field("certificate_list", () => list(connection.certificateList, (pem) => writer.bytes(pem)));
	field("tls", () => writer.boolean(connection.tls));
	field("error", () => optionalText(connection.error));
	field("transport_protocol", () => writer.text(connection.transportProtocol));
	field("id", () => writer.text(connection.id));
}

function via([scheme, end]: readonly [string, Address]): void {
	const begun = writer.begin(TAG.list);
	address(end);
	writer.text(scheme);
	writer.end(begun);
}

function address([host, ...numbers]: Address): void {
	const begun = writer.begin(TAG.list);
	for (let i = numbers.length - 1; i >= 0; i--) writer.integer(numbers[i] as number);
	writer.text(host);
	writer.end(begun);
}

function errorFields({ error }: Flow): void {
	if (error === null) {
		writer.null();
		return;
	}
	dictionary(() => {
		field("timestamp", () => writer.float(error.timestamp));
		field("msg", () => writer.text(error.message));
	});
}

function meta(value: MetaValue): void {
	if (value === null) writer.null();
	else if (typeof value === "boolean") writer.boolean(value);
	else if (typeof value === "bigint") writer.integer(value);
	else if (typeof value === "number") Number.isSafeInteger(value) ? writer.integer(value) : writer.float(value);
	else if (typeof value === "string") writer.text(value);
	else if (value instanceof Float) writer.float(value.value);
	else if (value instanceof Uint8Array) writer.bytes(value);
	else if (Array.isArray(value)) list(value, meta);
	else
		dictionary(() => {
			for (const [key, item] of Object.entries(value).reverse()) field(key, () => meta(item));
		});
}

function optionalText(text: string | null): void {
	if (text === null) writer.null();
	else writer.text(text);
}

function optionalBytes(bytes: Uint8Array | string | null): void {
	if (bytes === null) writer.null();
	else writer.bytes(bytes);
}

function optionalFloat(number: number | null): void {
	if (number === null) writer.null();
	else writer.float(number);
}

function optionalInteger(number: number | null): void {
	if (number === null) writer.null();
	else writer.integer(number);
}
