// Where a request is to go: request target and Host field (RFC 9112 section 3.2), or the tunnel that it came through.
import { domainToASCII } from "node:url";
import { FlowtapeError } from "../../errors.ts";
import { type ByteString, toByteString, toText } from "../../flow/bytes.ts";
import type { Request } from "../../flow/message.ts";
import { type Authority, defaultPort, formatAuthority, parseAuthority } from "../../flow/url.ts";
import type { RequestHead } from "../wire/head.ts";
import type { ModeServer } from "./modes.ts";
import type { OpenedTunnel } from "./opened-tunnel.ts";

/** Destination of a tunnel: what a client that spoke to the server directly would have connected to. */
export interface TunnelTarget {
	scheme: "http" | "https";
	host: string;
	port: number;
	/** The name in the client's TLS hello. */
	sni: string | null;
	/** What the client sent for the next proxy when it asked for the tunnel. */
	credentials?: ByteString | null;
	/** What the next proxy has opened for it; null: it could not be asked. */
	opened?: OpenedTunnel | null;
	/** A reverse proxy's: scheme and name stay, whatever the client speaks and asks for. */
	fixed?: {
		/** What requests get as Host, text; null: what the client sent stays. */
		readonly host: string | null;
	};
}

/**
 * The destination of a tunnel before anything is known of what goes through it.
 * @throws FlowtapeError FT_PROTOCOL when it can be no host
 */
export function tunnelTo(host: string, port: number): TunnelTarget {
	const name = asciiHost(host);
	if (name === "" || port === 0 || NO_HOST.test(name))
		throw new FlowtapeError("FT_PROTOCOL", `a host and a port were expected, found ${JSON.stringify(formatAuthority(host.slice(0, 200), port))}`);
	return { scheme: "http", host: name, port, sni: null };
}

/** The target of a reverse proxy. */
export function reverseTo({ scheme, host, port }: ModeServer, keepHost: boolean): TunnelTarget {
	return { scheme, host, port, sni: null, fixed: { host: keepHost ? null : formatAuthority(host, port, scheme) } };
}

/** Makes a request that came to a reverse proxy name its target. */
export function nameTarget(request: Request, { fixed }: TunnelTarget): void {
	if (fixed === undefined || fixed.host === null) return;
	if (request.authority === "" || request.headers.has("host")) request.headers.set("Host", fixed.host);
	if (request.authority !== "") request.authority = toByteString(fixed.host);
}

/** What no host has in it. */
const NO_HOST = /[\s/\\<>"]/;
const BEYOND_ASCII = /[^\0-\x7f]/;

/** A name beyond ASCII as it will be looked up, so that rules see where the request goes; empty where it can be none. */
function asciiHost(host: string): string {
	return BEYOND_ASCII.test(host) ? domainToASCII(host) : host;
}

export interface Target {
	scheme: "http" | "https";
	host: string;
	port: number;
	/** Origin form: what goes on the wire. */
	path: ByteString;
}

/**
 * Destination and path of a request.
 * @throws FlowtapeError FT_PROTOCOL when it has none
 */
export function targetOf(head: RequestHead, tunnel: TunnelTarget | null): Target {
	const { target } = head;
	const field = hostField(head.fields);
	const isOrigin = target.charCodeAt(0) === 47 || target === "*";
	if (tunnel !== null)
		return { scheme: tunnel.scheme, host: tunnel.host, port: tunnel.port, path: isOrigin ? target : splitAbsolute(target, head.method).path };
	if (!isOrigin) {
		const { scheme, authority, path } = splitAbsolute(target, head.method);
		const { host, port } = checkAuthority(authority, "request target", target);
		return { scheme, host, port: port ?? defaultPort(scheme), path };
	}
	if (field === null) throw new FlowtapeError("FT_PROTOCOL", "the request has no Host header, so there is no telling where it should go");
	const { host, port } = checkAuthority(field, "host header");
	return { scheme: "http", host, port: port ?? 80, path: target };
}

/** A host and perhaps a port, or nothing at all (RFC 9110 section 7.2). */
const HOST = /^(?:\[[\w:.%~-]+\]|[^\s/\\<>"@?#,:[\]]*)(?::[0-9]*)?$/;

/**
 * The Host field; null where there is none.
 * @throws FlowtapeError FT_PROTOCOL where there are several, or it can be no host (RFC 9112 section 3.2)
 */
function hostField(fields: readonly ByteString[]): ByteString | null {
	let found: ByteString | null = null;
	for (let i = 0; i < fields.length; i += 2) {
		if (fields[i]?.length !== 4 || fields[i]?.toLowerCase() !== "host") continue;
		const value = fields[i + 1] as ByteString;
		if (found !== null) throw new FlowtapeError("FT_PROTOCOL", `one Host header was expected, found ${JSON.stringify(`${found}, ${value}`.slice(0, 200))}`);
		checkHost(value, "host header");
		found = value;
	}
	return found;
}

/**
 * That the Host field or the authority of HTTP/2 can be one: a user has no place in it (RFC 9113 section 8.3.1), and a server of HTTP/1.1 gets it as Host.
 * @throws FlowtapeError FT_PROTOCOL
 */
export function checkHost(value: ByteString, where: string): void {
	if (!HOST.test(value)) throw new FlowtapeError("FT_PROTOCOL", `${where}: expected host or host:port, found ${JSON.stringify(value.slice(0, 200))}`);
}

/** A request of HTTP/1.1 that names its target alone goes on with the Host that it lacks (RFC 9112 section 3.2.2). */
export function addHost({ version, fields }: RequestHead, { scheme, host, port }: Target): void {
	if (version !== "HTTP/1.0" && hostField(fields) === null) fields.unshift("Host", toByteString(formatAuthority(host, port, scheme)));
}

/**
 * Host and port of a CONNECT.
 * @throws FlowtapeError FT_PROTOCOL
 */
export function connectTarget(head: RequestHead): TunnelTarget {
	const { host, port } = checkAuthority(head.target, "CONNECT");
	if (port === null) throw new FlowtapeError("FT_PROTOCOL", `CONNECT: expected host:port, found ${JSON.stringify(head.target)}`);
	return tunnelTo(host, port);
}

const ABSOLUTE = /^(https?):\/\//i;

function splitAbsolute(target: ByteString, method: ByteString): { scheme: "http" | "https"; authority: ByteString; path: ByteString } {
	const isHttp = target.startsWith("http://");
	const scheme = isHttp ? "http" : ABSOLUTE.exec(target)?.[1]?.toLowerCase();
	if (scheme === undefined)
		throw new FlowtapeError("FT_PROTOCOL", `request target: expected /path or http://host/path, found ${JSON.stringify(target.slice(0, 200))}`);
	const start = scheme.length + 3;
	let end = target.indexOf("/", start);
	const query = target.indexOf("?", start);
	if (query >= 0 && (end < 0 || query < end)) end = query;
	const authority = end < 0 ? target.slice(start) : target.slice(start, end);
	// RFC 9112 section 3.2.4: without a path, OPTIONS is about the server as a whole.
	const path = end < 0 ? (method === "OPTIONS" ? "*" : "/") : query === end ? `/${target.slice(end)}` : target.slice(end);
	return { scheme: scheme as "http" | "https", authority, path };
}

/** `whole`: what it was found in. */
function checkAuthority(authority: ByteString, where: string, whole: ByteString | null = null): Authority {
	const at = authority.lastIndexOf("@");
	const parsed = parseAuthority(toText(at < 0 ? authority : authority.slice(at + 1)));
	const host = asciiHost(parsed?.host ?? "");
	if (parsed === null || host === "" || parsed.port === 0 || NO_HOST.test(host))
		throw new FlowtapeError(
			"FT_PROTOCOL",
			`${where}${whole === null ? "" : ` ${JSON.stringify(whole)}`}: expected host or host:port, found ${JSON.stringify(authority.slice(0, 200))}`,
		);
	return { ...parsed, host };
}
