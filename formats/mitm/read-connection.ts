// Reads the connections of a record, with the field names of versions 14 to 21. Connections are decoded on access, when
// faults can no longer be reported, so invalid fields count as unknown.
import { type ByteString, toText } from "../../src/flow/bytes.ts";
import {
	type Address,
	type ClientConnection,
	type Connection,
	clientConnection,
	type ServerConnection,
	serverConnection,
} from "../../src/flow/connection.ts";
import { address, readDictionary, readList, type Visitor } from "./elements.ts";
import { type Reader, TAG } from "./tnetstring.ts";

/** The client connection just opened. */
export function readClient(reader: Reader): ClientConnection {
	const client = clientConnection({ id: "" });
	return reader.tag === TAG.dictionary ? readDictionary(reader, "client_conn", client, visitClient) : client;
}

/** The server connection just opened. */
export function readServer(reader: Reader): ServerConnection {
	const server = serverConnection({ id: "" });
	if (reader.tag === TAG.dictionary) readDictionary(reader, "server_conn", server, visitServer);
	// `true` means the host of the address, which may follow in the record
	if (server.sni === SAME_AS_TARGET) server.sni = server.address?.[0] ?? null;
	return server;
}

/** Placeholder for an SNI that some dumps store as a boolean. No server has this name. */
const SAME_AS_TARGET = "\0";

const visitClient: Visitor<ClientConnection> = (client, key, reader) => {
	if (key === "address") client.peername = address(reader);
	else if (key === "mitmcert") client.mitmcert = blobOrNull(reader);
	else if (key === "proxy_mode") client.proxyMode = textOrNull(reader) ?? "regular";
	else visitConnection(client, key, reader);
};

const visitServer: Visitor<ServerConnection> = (server, key, reader) => {
	if (key === "address") server.address = address(reader);
	else if (key === "timestamp_tcp_setup") server.timestampTcpSetup = numberOrNull(reader);
	// if a record has both fields, `via2` is the upstream proxy and `via` the connection to it
	else if (key === "via" || key === "via2") server.via = readVia(reader) ?? server.via;
	else visitConnection(server, key, reader);
};

function visitConnection(connection: Connection, key: string, reader: Reader): void {
	switch (key) {
		case "id":
			connection.id = textOrNull(reader) ?? "";
			break;
		case "peername":
		case "ip_address":
			connection.peername = address(reader);
			break;
		case "sockname":
		case "source_address":
			connection.sockname = address(reader);
			break;
		case "transport_protocol":
			connection.transportProtocol = textOrNull(reader) === "udp" ? "udp" : "tcp";
			break;
		case "error":
			connection.error = textOrNull(reader);
			break;
		case "cipher":
		case "cipher_name":
			connection.cipher = textOrNull(reader);
			break;
		case "sni":
			connection.sni = isTrue(reader) ? SAME_AS_TARGET : textOrNull(reader);
			break;
		case "tls":
			connection.tls = isTrue(reader);
			break;
		case "certificate_list":
			connection.certificateList = itemsOf(reader, blobOrNull);
			break;
		case "alpn":
			connection.alpn = bytesOrNull(reader);
			break;
		case "alpn_offers":
			connection.alpnOffers = itemsOf(reader, bytesOrNull);
			break;
		case "cipher_list":
			connection.cipherList = itemsOf(reader, textOrNull);
			break;
		case "tls_version":
			connection.tlsVersion = tlsVersion(reader);
			break;
		case "timestamp_start":
			connection.timestampStart = numberOrNull(reader);
			break;
		case "timestamp_end":
			connection.timestampEnd = numberOrNull(reader);
			break;
		case "timestamp_tls_setup":
			connection.timestampTlsSetup = numberOrNull(reader);
			break;
	}
}

/** Versions up to 20 did not number QUIC. */
function tlsVersion(reader: Reader): string | null {
	const version = textOrNull(reader);
	return version === "QUIC" ? "QUICv1" : version;
}

/** The upstream proxy: `[scheme, [host, port]]`. */
function readVia(reader: Reader): ServerConnection["via"] {
	let scheme: string | null = null;
	let end: Address | null = null;
	if (reader.tag === TAG.list)
		readList(reader, "via", (part, index) => {
			if (index === 0) scheme = textOrNull(part);
			else if (index === 1) end = address(part);
		});
	return scheme === null || end === null ? null : [scheme, end];
}

function itemsOf<T>(reader: Reader, make: (reader: Reader) => T | null): T[] {
	const items: T[] = [];
	if (reader.tag === TAG.list)
		readList(reader, "a list", (part) => {
			const item = make(part);
			if (item !== null) items.push(item);
		});
	return items;
}

function isTrue(reader: Reader): boolean {
	return reader.tag === TAG.boolean && reader.boolean();
}

function textOrNull(reader: Reader): string | null {
	if (reader.tag !== TAG.text && reader.tag !== TAG.bytes) return null;
	return toText(reader.latin1());
}

function bytesOrNull(reader: Reader): ByteString | null {
	return reader.tag === TAG.text || reader.tag === TAG.bytes ? reader.latin1() : null;
}

function blobOrNull(reader: Reader): Buffer | null {
	return reader.tag === TAG.bytes ? reader.buffer.subarray(reader.start, reader.stop) : null;
}

function numberOrNull(reader: Reader): number | null {
	return reader.tag === TAG.float || reader.tag === TAG.integer ? reader.number() : null;
}
