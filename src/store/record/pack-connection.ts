// Connections as msgpack records. All flows of a connection share its record.
import { createHash } from "node:crypto";
import { asBuffer, type ByteString } from "../../flow/bytes.ts";
import type { Address, ClientConnection, Connection, ServerConnection } from "../../flow/connection.ts";
import { damagedRecord } from "./damage.ts";
import { type Packed, pack, tailOf, unpackRecord, withTail } from "./msgpack.ts";
import { openRecord, sealRecord, unsealed } from "./row-sum.ts";
import { fromStored, toStored } from "./text.ts";

/** Stores a certificate once and returns its key. */
export type WriteCertificate = (pem: Uint8Array) => Uint8Array;
export type ReadCertificate = (key: Uint8Array) => Uint8Array;

export function packClient(client: ClientConnection, writeCertificate: WriteCertificate): Buffer {
	const fields = connectionFields(client, writeCertificate);
	fields.push(client.mitmcert, toStored(client.proxyMode), ...tailOf(client.extra));
	return sealRecord(pack(fields));
}

export function packServer(server: ServerConnection, writeCertificate: WriteCertificate): Buffer {
	const fields = connectionFields(server, writeCertificate);
	const { address, timestampTcpSetup, via } = server;
	fields.push(
		storedAddress(address),
		timestampTcpSetup,
		via && [toStored(via[0]), storedAddress(via[1])],
		...tailOf(server.extra),
	);
	return sealRecord(pack(fields));
}

/**
 * The fields that client and server connections have in common. They are one array literal: spreading arrays costs more
 * than packing them.
 */
function connectionFields(connection: Connection, writeCertificate: WriteCertificate): unknown[] {
	return [
		toStored(connection.id),
		storedAddress(connection.peername),
		storedAddress(connection.sockname),
		connection.transportProtocol,
		storedText(connection.error),
		connection.tls,
		connection.certificateList.map(writeCertificate),
		storedText(connection.alpn),
		connection.alpnOffers.map(toStored),
		storedText(connection.cipher),
		connection.cipherList.map(toStored),
		storedText(connection.tlsVersion),
		storedText(connection.sni),
		connection.timestampStart,
		connection.timestampEnd,
		connection.timestampTlsSetup,
	];
}

function storedText(text: string | null): string | null {
	return text === null ? null : toStored(text);
}

function storedAddress(address: Address | null): Address | null {
	if (address === null) return null;
	const [host, ...numbers] = address;
	const stored = toStored(host);
	return stored === host ? address : [stored, ...numbers];
}

/** Applies `change` to a text, or to all texts in nested lists. */
function withText<T>(value: T, change: (text: string) => string): T {
	if (typeof value === "string") return change(value) as T;
	return Array.isArray(value) ? (value.map((item) => withText(item, change)) as T) : value;
}

type ConnectionFields = [
	id: string,
	peername: Address | null,
	sockname: Address | null,
	transportProtocol: "tcp" | "udp",
	error: string | null,
	tls: boolean,
	certificates: Uint8Array[],
	alpn: ByteString | null,
	alpnOffers: ByteString[],
	cipher: string | null,
	cipherList: string[],
	tlsVersion: string | null,
	sni: string | null,
	timestampStart: number | null,
	timestampEnd: number | null,
	timestampTlsSetup: number | null,
];
const COMMON = 16;

/** @throws FlowtapeError FT_CORRUPT_FLOW */
export function unpackClient(bytes: Uint8Array, readCertificate: ReadCertificate): ClientConnection {
	const packed = withText(unpackRecord(openRecord(bytes)), fromStored);
	const [mitmcert, proxyMode] = packed.slice(COMMON);
	check((mitmcert === null || mitmcert instanceof Uint8Array) && typeof proxyMode === "string");
	return { ...toConnection(packed, readCertificate), mitmcert, proxyMode, extra: withTail(packed, COMMON + 2) };
}

/** @throws FlowtapeError FT_CORRUPT_FLOW */
export function unpackServer(bytes: Uint8Array, readCertificate: ReadCertificate): ServerConnection {
	const packed = withText(unpackRecord(openRecord(bytes)), fromStored);
	const [address, timestampTcpSetup, via] = packed.slice(COMMON);
	check(isAddress(address) && isNumber(timestampTcpSetup));
	check(via === null || (Array.isArray(via) && typeof via[0] === "string" && isAddress(via[1])));
	return {
		...toConnection(packed, readCertificate),
		address,
		timestampTcpSetup,
		via: via as ServerConnection["via"],
		extra: withTail(packed, COMMON + 3),
	};
}

function toConnection(packed: Packed, readCertificate: ReadCertificate): Connection {
	const [id, peername, sockname, transportProtocol, error, tls, certificates, ...more] = packed as ConnectionFields;
	const [alpn, alpnOffers, cipher, cipherList, tlsVersion, sni, timestampStart, timestampEnd, timestampTlsSetup] = more;
	check(
		typeof id === "string" &&
			isAddress(peername) &&
			isAddress(sockname) &&
			(transportProtocol === "tcp" || transportProtocol === "udp"),
	);
	check([error, alpn, cipher, tlsVersion, sni].every(isText) && typeof tls === "boolean");
	check([timestampStart, timestampEnd, timestampTlsSetup].every(isNumber));
	check(
		[certificates, alpnOffers, cipherList].every(Array.isArray) &&
			[...alpnOffers, ...cipherList].every((name) => typeof name === "string"),
	);
	check(certificates.every((key) => key instanceof Uint8Array));
	return {
		id,
		peername,
		sockname,
		transportProtocol,
		error,
		tls,
		certificateList: certificates.map(readCertificate),
		alpn,
		alpnOffers,
		cipher,
		cipherList,
		tlsVersion,
		sni,
		timestampStart,
		timestampEnd,
		timestampTlsSetup,
	};
}

function check(isAsExpected: boolean): asserts isAsExpected {
	if (!isAsExpected) throw damagedRecord("invalid connection");
}

function isAddress(value: unknown): value is Address | null {
	return (
		value === null ||
		(Array.isArray(value) && typeof value[0] === "string" && value.slice(1).every((part) => typeof part === "number"))
	);
}

function isText(value: unknown): value is string | null {
	return value === null || typeof value === "string";
}

function isNumber(value: unknown): value is number | null {
	return value === null || typeof value === "number";
}

/** The key of a certificate: its SHA-256. */
export function certificateKey(pem: Uint8Array): Buffer {
	return createHash("sha256").update(pem).digest();
}

/** Whether `key` is the key of the certificate `pem`. On a damaged tape both may be of any type. */
export function isCertificate(key: unknown, pem: unknown): boolean {
	return key instanceof Uint8Array && pem instanceof Uint8Array && certificateKey(pem).equals(key);
}

/** First byte of a msgpack `bin 8`. */
const BYTES = 0xc4;

/** The keys of the certificates of a packed connection; empty if it is damaged. */
export function certificateKeys(bytes: Uint8Array): Buffer[] {
	if (!asBuffer(bytes).includes(BYTES)) return [];
	try {
		const keys = unpackRecord(unsealed(bytes))[6];
		return Array.isArray(keys) ? keys.filter(Buffer.isBuffer) : [];
	} catch {
		return [];
	}
}
