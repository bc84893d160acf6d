// URLs and authorities as proxies meet them: split without normalising, because what was sent must stay as it was.
import { FlowtapeError } from "../errors.ts";
import { decodeText } from "./bytes.ts";

export interface Authority {
	/** Without brackets. */
	readonly host: string;
	readonly port: number | null;
}

const AUTHORITY = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/;

/** The last one parsed: a request names its host more than once, and the next one mostly the same. */
let last: { readonly text: string; readonly authority: Authority | null } = { text: "", authority: null };

/** `host`, `host:port`, `[v6]:port`; null when it is none of these. */
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

/** The default port of a scheme; 80 for unknown ones, as mitmproxy has it. */
export function defaultPort(scheme: string): number {
	return scheme === "https" || scheme === "wss" ? 443 : 80;
}

/** `host:port`, IPv6 in brackets; the port is left out when it is the default of `scheme`. */
export function formatAuthority(host: string, port: number, scheme?: string): string {
	const shown = host.includes(":") ? `[${host}]` : host;
	const isDefault = (scheme === "http" && port === 80) || (scheme === "https" && port === 443);
	return isDefault ? shown : `${shown}:${port}`;
}

/** The URL of its parts; `path` as on the wire. */
export function formatUrl(scheme: string, host: string, port: number, path: string): string {
	return `${scheme}://${formatAuthority(host, port, scheme)}${path}`;
}

export interface UrlParts {
	scheme: string;
	/** Lower case, without brackets and user information. */
	host: string;
	port: number;
	/** Path, query and fragment as they stand, beginning with a slash. */
	path: string;
}

const URL_PARTS = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/is;

/**
 * Splits an absolute URL without touching its path.
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function parseUrl(url: string): UrlParts {
	const parts = splitUrl(url);
	if (parts === null) throw new FlowtapeError("FT_BAD_OPTION", `"${url}" is not an absolute URL such as http://example.com/path`);
	return parts;
}

/** As `parseUrl`; null for what is no absolute URL. */
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

/** A path or URL as it goes on the wire, where fragments never go (RFC 9110 section 7.1). `%23` begins none. */
export function withoutFragment(path: string): string {
	const hash = path.indexOf("#");
	return hash < 0 ? path : path.slice(0, hash);
}

/** A path cut at its query and fragment. */
export function splitPath(path: string): { path: string; query: string } {
	const whole = withoutFragment(path);
	const mark = whole.indexOf("?");
	return mark < 0 ? { path: whole, query: "" } : { path: whole.slice(0, mark), query: whole.slice(mark + 1) };
}

/**
 * Pairs of a query or an url-encoded form, decoded, in order, duplicates kept: split at `&` alone, a missing `=`
 * means an empty value, `+` is a space, what is no valid escape stays, a byte that is no UTF-8 is a lone surrogate as in `toText`.
 */
export function parseQuery(query: string): [name: string, value: string][] {
	const pairs: [string, string][] = [];
	for (const part of query.split("&")) {
		if (part === "") continue;
		const equals = part.indexOf("=");
		pairs.push(equals < 0 ? [unescapeForm(part), ""] : [unescapeForm(part.slice(0, equals)), unescapeForm(part.slice(equals + 1))]);
	}
	return pairs;
}

function unescapeForm(text: string): string {
	return percentDecode(text.replaceAll("+", " "));
}

/** Undoes `%XX`; malformed escapes stay, a byte that is no UTF-8 is a lone surrogate as in `toText`: other bytes are another text. */
export function percentDecode(text: string): string {
	if (!text.includes("%")) return text;
	return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => decodeText(Buffer.from(run.replaceAll("%", ""), "hex")));
}
