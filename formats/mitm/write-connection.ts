// Writes the connections of a record, with exactly the keys and types that mitmproxy's loader requires in each version.
import { X509Certificate } from "node:crypto";
import { asBuffer } from "../../src/flow/bytes.ts";
import type { Address, ClientConnection, Connection, ServerConnection } from "../../src/flow/connection.ts";
import type { FieldWriter } from "./field-writer.ts";
import { isKnownMode } from "./proxy-mode.ts";
import type { Target } from "./target.ts";

/** The known TLS versions. mitmproxy refuses a file with any other version. */
const TLS_VERSIONS = new Set([
	"SSLv3",
	"TLSv1",
	"TLSv1.1",
	"TLSv1.2",
	"TLSv1.3",
	"DTLSv0.9",
	"DTLSv1",
	"DTLSv1.2",
	"QUICv1",
]);
const VIA_SCHEMES = new Set(["http", "https", "http3", "tls", "dtls", "tcp", "udp", "dns", "quic"]);
const UNKNOWN: Address = ["", 0];

export function writeClient(writer: FieldWriter, client: ClientConnection, target: Target): void {
	const isOld = target.version < 20;
	if (target.version >= 18) writer.textField("proxy_mode", proxyMode(client, target));
	else if (client.proxyMode !== "regular") target.reportLoss("proxy modes");
	writer.bytesField("mitmcert", client.mitmcert === null ? null : (certificates([client.mitmcert], target)[0] ?? null));
	writeConnection(writer, client, target);
	if (isOld) writer.valueField("tls_extensions", null);
	writer.floatField("timestamp_start", client.timestampStart ?? 0);
	addressField(writer, "sockname", client.sockname ?? UNKNOWN);
	addressField(writer, isOld ? "address" : "peername", client.peername ?? UNKNOWN);
}

export function writeServer(writer: FieldWriter, server: ServerConnection, target: Target): void {
	const isOld = target.version < 20;
	writeVia(writer, server.via, isOld ? "via2" : "via", target);
	writer.floatField("timestamp_tcp_setup", server.timestampTcpSetup);
	addressField(writer, "address", server.address === null ? null : [server.address[0], server.address[1]]);
	writeConnection(writer, server, target);
	writer.floatField("timestamp_start", server.timestampStart);
	addressField(writer, isOld ? "source_address" : "sockname", server.sockname);
	addressField(writer, isOld ? "ip_address" : "peername", server.peername);
}

function writeConnection(writer: FieldWriter, connection: Connection, target: Target): void {
	const isOld = target.version < 20;
	if (connection.extra !== undefined) target.reportLoss("unknown fields");
	writer.floatField("timestamp_tls_setup", connection.timestampTlsSetup);
	writer.floatField("timestamp_end", connection.timestampEnd);
	writer.textField("sni", connection.sni);
	writer.textField("tls_version", tlsVersion(connection, target));
	writer.listField("cipher_list", connection.cipherList, (cipher) => writer.text(cipher));
	writer.textField(isOld ? "cipher_name" : "cipher", connection.cipher);
	writer.listField("alpn_offers", connection.alpnOffers, (offer) => writer.bytes(offer));
	writer.bytesField("alpn", connection.alpn);
	writer.listField("certificate_list", certificates(connection.certificateList, target), (pem) => writer.bytes(pem));
	writer.booleanField("tls", connection.tls);
	writer.textField("error", connection.error);
	if (isOld) writeOldFields(writer, connection);
	else writer.textField("transport_protocol", connection.transportProtocol);
	writer.textField("id", connection.id);
}

/**
 * Fields of old versions. Releases up to 9 require them; later releases use them to migrate the dump. Only the later
 * ones use the transport protocol; the others ignore it.
 */
function writeOldFields(writer: FieldWriter, connection: Connection): void {
	if (connection.transportProtocol === "udp") writer.textField("transport_protocol", "udp");
	writer.booleanField("tls_established", connection.timestampTlsSetup !== null);
	// 0 is "closed": with another state and an upstream proxy, loading fails
	writer.integerField("state", 0);
}

function proxyMode({ proxyMode: mode }: ClientConnection, target: Target): string {
	if (isKnownMode(mode, target.version)) return mode;
	target.reportLoss(`the proxy mode "${mode}"`);
	return "regular";
}

function tlsVersion({ tlsVersion: version }: Connection, target: Target): string | null {
	if (version === null || TLS_VERSIONS.has(version))
		return version === "QUICv1" && target.version < 21 ? "QUIC" : version;
	target.reportLoss(`the TLS version "${version}"`);
	return null;
}

function writeVia(writer: FieldWriter, via: ServerConnection["via"], name: string, target: Target): void {
	const isKnown = via === null || VIA_SCHEMES.has(via[0]);
	if (!isKnown) target.reportLoss(`upstream proxies with the scheme "${via[0]}"`);
	if (via === null || !isKnown) writer.null();
	else writer.list([() => writer.text(via[0]), () => writeAddress(writer, via[1])], (part) => part());
	writer.name(name);
}

function addressField(writer: FieldWriter, name: string, address: Address | null): void {
	if (address === null) writer.null();
	else writeAddress(writer, address);
	writer.name(name);
}

function writeAddress(writer: FieldWriter, address: Address): void {
	writer.list(address, (part) => (typeof part === "string" ? writer.text(part) : writer.integer(part)));
}

/** The valid certificates of a list. mitmproxy rejects files with invalid ones. */
function certificates(pems: readonly Uint8Array[], target: Target): readonly Uint8Array[] {
	if (pems.length === 0 || pems.every(isCertificate)) return pems;
	target.reportLoss("invalid certificates");
	return pems.filter(isCertificate);
}

/** Cached results: the same few certificates recur. */
const verdicts = new Map<string, boolean>();
const KEPT_VERDICTS = 500;

function isCertificate(pem: Uint8Array): boolean {
	const key = asBuffer(pem).latin1Slice();
	let verdict = verdicts.get(key);
	if (verdict === undefined) {
		verdict = key.startsWith("-----BEGIN CERTIFICATE-----") && isParsed(pem);
		if (verdicts.size >= KEPT_VERDICTS) verdicts.clear();
		verdicts.set(key, verdict);
	}
	return verdict;
}

function isParsed(pem: Uint8Array): boolean {
	try {
		return new X509Certificate(pem).raw.length > 0;
	} catch {
		return false;
	}
}
