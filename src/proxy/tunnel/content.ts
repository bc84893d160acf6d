// Detects the content of a tunnel from the client's first bytes and the host names in them.
import type { PassthroughHosts } from "../../hooks/authenticator.ts";
import type { TunnelTarget } from "../route/target.ts";
import type { ClientHello, Sniffed, Sniffer } from "../tls/client-hello.ts";

/**
 * "ignored": relay the bytes untouched, even if they are TLS. "opaque": relay the bytes, which are not TLS, without
 * reading them as HTTP.
 */
export type TunnelContent = Sniffed | "ignored" | "opaque";

/** Detects the content of a tunnel. `hosts`: hosts whose traffic is not read as HTTP; null: none. */
export function contentOf(
	{ bytes, found }: Sniffer,
	{ host, port }: TunnelTarget,
	hosts: PassthroughHosts | null,
): TunnelContent {
	if (hosts === null) return found;
	if (hosts.isIgnoredAtOnce({ hosts: [host], port })) return "ignored";
	if (found === "more") return "more";
	const named = nameIn(found, bytes);
	if (named === "more") return "more";
	const names = { hosts: named === null ? [host] : [host, named.name], port };
	if (hosts.isIgnored(names)) return "ignored";
	return typeof found === "string" && hosts.isOpaque(names) ? "opaque" : found;
}

/** How far to search a request head for its Host field. Bytes. */
const HEAD_LIMIT = 64 * 1024;

/** The server name that the client sent (SNI or Host); null: none. "more": too few bytes to decide. */
function nameIn(found: "http" | "other" | ClientHello, bytes: Buffer): { name: string } | "more" | null {
	if (typeof found === "object") return found.serverName === null ? null : { name: found.serverName };
	if (found === "other") return null;
	// Only whole lines: the name in the last one may be cut. Empty lines before a request do not end its head.
	const head = bytes.latin1Slice(0, bytes.lastIndexOf("\n", HEAD_LIMIT - 1) + 1).replace(/^[\r\n]+/, "");
	const match = /\r?\n(?:host:[ \t]*(\[[^\]\r\n]*\]|[^:\s]*)|\r?\n)/i.exec(head);
	if (match === null) return bytes.length < HEAD_LIMIT ? "more" : null;
	return match[1] ? { name: match[1].replace(/^\[(.*)\]$/, "$1") } : null;
}
