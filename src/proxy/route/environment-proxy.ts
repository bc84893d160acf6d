// Reads the upstream proxies from the environment variables HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY.
import { BlockList, isIP } from "node:net";
import { formatBasic } from "../../flow/basic-credentials.ts";
import type { ByteString } from "../../flow/bytes.ts";
import { isLoopback } from "../../flow/loopback.ts";
import { defaultPort, percentDecode } from "../../flow/url.ts";
import type { Route, UpstreamProxy } from "./destination.ts";

/**
 * The route that the environment sets; null if it names no proxy. Lower-case names take precedence over upper-case
 * ones, as in curl. Loopback addresses are always reached directly, as in Go.
 * @param warn called with a message for each value that cannot be used
 */
export function environmentRoute(env: NodeJS.ProcessEnv, warn: (message: string) => void): Route | null {
	const parsed = new Map<string, UpstreamProxy | null>();
	const read = (...names: string[]): UpstreamProxy | null => {
		const name = names.find((name) => env[name]);
		if (name === undefined) return null;
		// Each variable is parsed once, so that there is one warning.
		if (!parsed.has(name)) parsed.set(name, parseProxy(name, env[name] as string, warn));
		return parsed.get(name) ?? null;
	};
	const http = read("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY");
	const https = read("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY");
	if (http === null && https === null) return null;
	const isDirect = bypass(env.no_proxy ?? env.NO_PROXY ?? "");
	return ({ tls, host, port }) => (isDirect(host.toLowerCase(), port) ? null : tls ? https : http);
}

const PROXY_URL = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:([^/@]*)@)?(\[[^\]]+\]|[^:/@]+)(?::(\d{1,5}))?\/?$/i;

function parseProxy(name: string, text: string, warn: (message: string) => void): UpstreamProxy | null {
	const [, written = "http", userInfo, host, port] = PROXY_URL.exec(text.trim()) ?? [];
	const scheme = written.toLowerCase();
	if (host === undefined || (scheme !== "http" && scheme !== "https")) {
		// The message leaves out the value, which may contain a password.
		warn(
			`${name} is not a usable proxy URL: expected http[s]://[USER:PASSWORD@]HOST[:PORT]; connecting to servers directly`,
		);
		return null;
	}
	return {
		scheme,
		host: host.replace(/^\[(.*)\]$/, "$1"),
		port: port === undefined ? defaultPort(scheme) : Number(port),
		authorization: userInfo === undefined ? null : basicCredentials(userInfo),
	};
}

/** Basic credentials (RFC 7617) from the percent-encoded user and password of a URL. */
function basicCredentials(userInfo: string): ByteString {
	return formatBasic(percentDecode(userInfo.includes(":") ? userInfo : `${userInfo}:`));
}

/**
 * Parses NO_PROXY: names (with their subdomains) and addresses, each with or without a port, ranges such as 10.0.0.0/8,
 * or `*`.
 */
function bypass(list: string): (host: string, port: number) => boolean {
	const ranges = new BlockList();
	const names: { name: string; port: number | null }[] = [];
	for (const entry of list.toLowerCase().split(/[\s,]+/)) {
		const [, address = "", bits = ""] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(entry) ?? [];
		const family = isIP(address);
		if (family !== 0 && Number(bits) <= (family === 4 ? 32 : 128))
			ranges.addSubnet(address, Number(bits), family === 4 ? "ipv4" : "ipv6");
		else if (entry !== "") names.push(parseEntry(entry));
	}
	return (host, port) => {
		const family = isIP(host);
		if (isLoopback(host)) return true;
		if (family !== 0 && ranges.check(host, family === 4 ? "ipv4" : "ipv6")) return true;
		return names.some(
			({ name, port: only }) =>
				(only === null || only === port) && (name === "*" || host === name || host.endsWith(`.${name}`)),
		);
	};
}

function parseEntry(entry: string): { name: string; port: number | null } {
	const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [];
	const name = bracketed ?? plain ?? entry;
	return { name: name.replace(/^\*?\.(?=.)/, ""), port: port === undefined ? null : Number(port) };
}
