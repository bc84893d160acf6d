// Determines the target of a request: from its request target and Host field (RFC 9112 section 3.2), or from its
// tunnel.
import { domainToASCII } from "node:url";
import { FlowtapeError } from "../../errors.ts";
import { type ByteString, toByteString, toText } from "../../flow/bytes.ts";
import type { Request } from "../../flow/message.ts";
import { type Authority, defaultPort, formatAuthority, parseAuthority } from "../../flow/url.ts";
import { protocolFault } from "../wire/fault.ts";
import type { RequestHead } from "../wire/head.ts";
import type { ModeServer } from "./modes.ts";
import type { OpenedTunnel } from "./opened-tunnel.ts";

/** The destination of a tunnel. */
export interface TunnelTarget {
	scheme: "http" | "https";
	host: string;
	port: number;
	/** The server name in the client's TLS ClientHello. */
	sni: string | null;
	/** The client's credentials for the upstream proxy, from its CONNECT. */
	credentials?: ByteString | null;
	/** The tunnel that the upstream proxy opened for the client; null: the proxy could not be asked. */
	opened?: OpenedTunnel | null;
	/** Set for a reverse proxy: scheme and host are fixed, regardless of the client's protocol and request target. */
	fixed?: {
		/** The Host field of forwarded requests; null: they keep the client's. */
		readonly host: string | null;
	};
}

/**
 * The target of a tunnel before its content is known.
 * @throws FlowtapeError FT_PROTOCOL if the host or the port is invalid
 */
export function tunnelTo(host: string, port: number): TunnelTarget {
	const name = asciiHost(host);
	if (name === "" || port === 0 || NO_HOST.test(name))
		throw protocolFault("tunnel", "a host and a port", formatAuthority(host, port));
	return { scheme: "http", host: name, port, sni: null };
}

/** The target of a reverse proxy. */
export function reverseTo({ scheme, host, port }: ModeServer, keepHost: boolean): TunnelTarget {
	return { scheme, host, port, sni: null, fixed: { host: keepHost ? null : formatAuthority(host, port, scheme) } };
}

/** Sets Host and authority of a request to a reverse proxy to its target. */
export function setTargetHost(request: Request, { fixed }: TunnelTarget): void {
	if (fixed === undefined || fixed.host === null) return;
	if (request.authority === "" || request.headers.has("host")) request.headers.set("Host", fixed.host);
	if (request.authority !== "") request.authority = toByteString(fixed.host);
}

/** Characters that no host contains. */
const NO_HOST = /[\s/\\<>"]/;
const NON_ASCII = /[^\0-\x7f]/;

/**
 * Converts a non-ASCII name to the form for DNS (Punycode), so that rules see the actual host; empty if the name is
 * invalid.
 */
function asciiHost(host: string): string {
	return NON_ASCII.test(host) ? domainToASCII(host) : host;
}

export interface Target {
	scheme: "http" | "https";
	host: string;
	port: number;
	/** In origin form, as sent to the server. */
	path: ByteString;
}

/**
 * The destination and the path of a request.
 * @throws FlowtapeError FT_PROTOCOL if it has none, or an invalid one
 */
export function targetOf(head: RequestHead, tunnel: TunnelTarget | null): Target {
	const { target } = head;
	const field = hostField(head.fields);
	const isOrigin = target.charCodeAt(0) === 47 || target === "*";
	if (tunnel !== null)
		return {
			scheme: tunnel.scheme,
			host: tunnel.host,
			port: tunnel.port,
			path: isOrigin ? target : splitAbsolute(target, head.method).path,
		};
	if (!isOrigin) {
		const { scheme, authority, path } = splitAbsolute(target, head.method);
		const { host, port } = checkAuthority(authority, "request target", target);
		return { scheme, host, port: port ?? defaultPort(scheme), path };
	}
	if (field === null)
		throw new FlowtapeError("FT_PROTOCOL", "the request has no Host header, so its destination is unknown");
	const { host, port } = checkAuthority(field, "host header");
	return { scheme: "http", host, port: port ?? 80, path: target };
}

/** A host with an optional port, or nothing (RFC 9110 section 7.2). */
const HOST = /^(?:\[[\w:.%~-]+\]|[^\s/\\<>"@?#,:[\]]*)(?::[0-9]*)?$/;

/**
 * The Host field; null if there is none.
 * @throws FlowtapeError FT_PROTOCOL if there are several, or it is invalid (RFC 9112 section 3.2)
 */
function hostField(fields: readonly ByteString[]): ByteString | null {
	let found: ByteString | null = null;
	for (let i = 0; i < fields.length; i += 2) {
		if (fields[i]?.length !== 4 || fields[i]?.toLowerCase() !== "host") continue;
		const value = fields[i + 1] as ByteString;
		if (found !== null) throw protocolFault("request head", "one Host header", `${found}, ${value}`);
		checkHost(value, "host header");
		found = value;
	}
	return found;
}

/**
 * Checks a Host field, or an HTTP/2 authority, which an HTTP/1.1 server gets as Host. It must not contain user
 * information (RFC 9113 section 8.3.1).
 * @throws FlowtapeError FT_PROTOCOL
 */
export function checkHost(value: ByteString, where: string): void {
	if (!HOST.test(value)) throw protocolFault(where, "host or host:port", value);
}

/** Adds the Host field to an HTTP/1.1 request in absolute form without one (RFC 9112 section 3.2.2). */
export function addHost({ version, fields }: RequestHead, { scheme, host, port }: Target): void {
	if (version !== "HTTP/1.0" && hostField(fields) === null)
		fields.unshift("Host", toByteString(formatAuthority(host, port, scheme)));
}

/**
 * The target of a CONNECT.
 * @throws FlowtapeError FT_PROTOCOL
 */
export function connectTarget(head: RequestHead): TunnelTarget {
	const { host, port } = checkAuthority(head.target, "CONNECT");
	if (port === null) throw protocolFault("CONNECT", "host:port", head.target);
	return tunnelTo(host, port);
}

const ABSOLUTE = /^(https?):\/\//i;

function splitAbsolute(
	target: ByteString,
	method: ByteString,
): { scheme: "http" | "https"; authority: ByteString; path: ByteString } {
	const isHttp = target.startsWith("http://");
	const scheme = isHttp ? "http" : ABSOLUTE.exec(target)?.[1]?.toLowerCase();
	if (scheme === undefined) throw protocolFault("request target", "/path or http://host/path", target);
	const start = scheme.length + 3;
	let end = target.indexOf("/", start);
	const query = target.indexOf("?", start);
	if (query >= 0 && (end < 0 || query < end)) end = query;
	const authority = end < 0 ? target.slice(start) : target.slice(start, end);
	// RFC 9112 section 3.2.4: OPTIONS without a path is for the server as a whole.
	const path =
		end < 0 ? (method === "OPTIONS" ? "*" : "/") : query === end ? `/${target.slice(end)}` : target.slice(end);
	return { scheme: scheme as "http" | "https", authority, path };
}

/**
 * Parses an authority, without its user information. `found`: the text to quote in an error.
 * @throws FlowtapeError FT_PROTOCOL
 */
function checkAuthority(authority: ByteString, where: string, found = authority): Authority {
	const at = authority.lastIndexOf("@");
	const parsed = parseAuthority(toText(at < 0 ? authority : authority.slice(at + 1)));
	const host = asciiHost(parsed?.host ?? "");
	if (parsed === null || host === "" || parsed.port === 0 || NO_HOST.test(host))
		throw protocolFault(where, "host or host:port", found);
	return { ...parsed, host };
}
