// Splits URLs and authorities without normalising them, so that they are forwarded and recorded unchanged.
import { FlowtapeError } from "../errors.ts";
import { decodeText } from "./bytes.ts";

export interface Authority {
	/** Without brackets. */
	readonly host: string;
	readonly port: number | null;
}

const AUTHORITY = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/;

/** The last authority parsed: a request names its host several times, and the next request often has the same one. */
let last: { readonly text: string; readonly authority: Authority | null } = { text: "", authority: null };

/** Parses `host`, `host:port` or `[v6]:port`; null: it is none of these. */
export function parseAuthority(text: string): Authority | null {
	if (last.text !== text) last = { text, authority: splitAuthority(text) };
	return last.authority;
}

function splitAuthority(text: string): Authority | null {
	const match = AUTHORITY.exec(text);
	if (match === null) return null;
	const host = match[1] ?? match[2] ?? "";
	const port = match[3] === undefined ? null : Number(match[3]);
	return host === "" || (port !== null && port > 65535) ? null : { host, port };
}

const IPV4 = /^(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})$/;
/** The last label of an IPv4 address in any spelling. */
const NUMBER = /^(?:\d+|0x[\da-f]*)$/i;
/** An IPv4 address in IPv6. */
const MAPPED = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/;

/**
 * A host without the dot at its end, and an IP address in its usual form: `127.1` and `::ffff:7f00:1` are 127.0.0.1.
 * @param host without brackets
 */
export function canonicalHost(host: string): string {
	const bare = host.endsWith(".") ? host.slice(0, -1) : host;
	const isIPv6 = bare.includes(":");
	if (!isIPv6 && (!NUMBER.test(bare.slice(bare.lastIndexOf(".") + 1)) || IPV4.test(bare))) return bare;
	const url = `http://${isIPv6 ? `[${bare.replace(/%.*$/s, "")}]` : bare}`;
	if (!URL.canParse(url)) return bare;
	const address = new URL(url).hostname.replace(/^\[|\]$/g, "");
	const [, high, low] = MAPPED.exec(address) ?? [];
	if (high === undefined || low === undefined) return address;
	const bytes = [high, low].flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
	return bytes.join(".");
}

/** The default port of a scheme; 80 for unknown ones, as in mitmproxy. */
export function defaultPort(scheme: string): number {
	return scheme === "https" || scheme === "wss" ? 443 : 80;
}

/** `host:port`, IPv6 in brackets. The port is left out if `scheme` is `http` or `https` and it is its default. */
export function formatAuthority(host: string, port: number, scheme?: string): string {
	const shown = host.includes(":") ? `[${host}]` : host;
	const isDefault = (scheme === "http" && port === 80) || (scheme === "https" && port === 443);
	return isDefault ? shown : `${shown}:${port}`;
}

/** Joins a URL from its parts; `path` as on the wire. */
export function formatUrl(scheme: string, host: string, port: number, path: string): string {
	return `${scheme}://${formatAuthority(host, port, scheme)}${path}`;
}

export interface UrlParts {
	scheme: string;
	/** Lower case, without brackets and user information. */
	host: string;
	port: number;
	/** Path, query and fragment, unchanged except for a leading slash, which is added if missing. */
	path: string;
}

const URL_PARTS = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/is;

/**
 * Splits an absolute URL without normalising its path.
 * @throws FlowtapeError FT_BAD_OPTION if it is not an absolute URL
 */
export function parseUrl(url: string): UrlParts {
	const parts = splitUrl(url);
	if (parts === null)
		throw new FlowtapeError("FT_BAD_OPTION", `"${url}" is not an absolute URL such as http://example.com/path`);
	return parts;
}

/** As `parseUrl`; null: not an absolute URL. */
export function splitUrl(url: string): UrlParts | null {
	const match = URL_PARTS.exec(url);
	const authority = parseAuthority((match?.[2] ?? "").replace(/^.*@/s, ""));
	if (match === null || authority === null) return null;
	const scheme = (match[1] ?? "").toLowerCase();
	const path = match[3] ?? "";
	return {
		scheme,
		host: authority.host.toLowerCase(),
		port: authority.port ?? defaultPort(scheme),
		path: path.startsWith("/") ? path : `/${path}`,
	};
}

/** Removes the fragment of a path or URL: fragments are never sent (RFC 9110 section 7.1). `%23` does not begin one. */
export function withoutFragment(path: string): string {
	const hash = path.indexOf("#");
	return hash < 0 ? path : path.slice(0, hash);
}

/** Splits a path from its query, without the fragment. */
export function splitPath(path: string): { path: string; query: string } {
	const whole = withoutFragment(path);
	const mark = whole.indexOf("?");
	return mark < 0 ? { path: whole, query: "" } : { path: whole.slice(0, mark), query: whole.slice(mark + 1) };
}

/**
 * The decoded pairs of a query or URL-encoded form, in order, with duplicates. Pairs are separated only by `&`; without
 * `=` the value is empty; `+` is a space; invalid escapes stay as they are; invalid UTF-8 is decoded as in `toText`.
 */
export function parseQuery(query: string): [name: string, value: string][] {
	const pairs: [string, string][] = [];
	for (const part of query.split("&")) {
		if (part === "") continue;
		const equals = part.indexOf("=");
		pairs.push(
			equals < 0
				? [unescapeForm(part), ""]
				: [unescapeForm(part.slice(0, equals)), unescapeForm(part.slice(equals + 1))],
		);
	}
	return pairs;
}

function unescapeForm(text: string): string {
	return percentDecode(text.replaceAll("+", " "));
}

/**
 * Decodes `%XX`. Invalid escapes stay as they are; invalid UTF-8 is decoded as in `toText`, so that different bytes
 * give different texts.
 */
export function percentDecode(text: string): string {
	if (!text.includes("%")) return text;
	return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => decodeText(Buffer.from(run.replaceAll("%", ""), "hex")));
}
