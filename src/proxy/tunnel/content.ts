// What a tunnel holds, told from the first bytes that the client sends into it and from the names they tell.
import type { PassthroughHosts } from "../../hooks/authenticator.ts";
import type { TunnelTarget } from "../route/target.ts";
import { type ClientHello, type Sniffed, sniff } from "../tls/client-hello.ts";

/** "ignored": to be passed as it is, TLS or not; "opaque": plain, and not to be read. */
export type TunnelContent = Sniffed | "ignored" | "opaque";

/** `hosts`: those that are not to be looked into. */
export function contentOf(bytes: Buffer, { host, port }: TunnelTarget, hosts: PassthroughHosts | null): TunnelContent {
	if (hosts === null) return sniff(bytes);
	if (hosts.isIgnoredAtOnce({ hosts: [host], port })) return "ignored";
	const found = sniff(bytes);
	if (found === "more") return "more";
	const named = nameIn(found, bytes);
	if (named === "more") return "more";
	const names = { hosts: named === null ? [host] : [host, named.name], port };
	if (hosts.isIgnored(names)) return "ignored";
	return typeof found === "string" && hosts.isOpaque(names) ? "opaque" : found;
}

/** As far as a name is looked for in a head. Bytes. */
const HEAD_LIMIT = 64 * 1024;

/** The name of the server in what the client sent. null: there is none. */
function nameIn(found: "http" | "other" | ClientHello, bytes: Buffer): { name: string } | "more" | null {
	if (typeof found === "object") return found.serverName === null ? null : { name: found.serverName };
	if (found === "other") return null;
	// The empty lines before a request are none that ends a head.
	const head = bytes
		.subarray(0, HEAD_LIMIT)
		.latin1Slice()
		.replace(/^[\r\n]+/, "");
	const match = /\r?\n(?:host:[ \t]*(\[[^\]\r\n]*\]|[^:\s]*)|\r?\n)/i.exec(head);
	if (match === null) return bytes.length < HEAD_LIMIT ? "more" : null;
	return match[1] ? { name: match[1].replace(/^\[(.*)\]$/, "$1") } : null;
}
