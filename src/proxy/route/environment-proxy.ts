// The proxies that the environment names: a machine behind one has them in HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
import { BlockList, isIP } from "node:net";
import type { ByteString } from "../../flow/bytes.ts";
import { defaultPort, percentDecode } from "../../flow/url.ts";
import type { Route, UpstreamProxy } from "./destination.ts";

/**
 * The way to servers by the environment; null where it names no proxy. Lower-case names count before upper-case ones, as in curl. Loopback addresses are
 * never reached through a proxy, as in Go: what listens there is on this side of it.
 * @param warn told of values that cannot be used
 */
export function environmentRoute(env: NodeJS.ProcessEnv, warn: (message: string) => void): Route | null {
	const parsed = new Map<string, UpstreamProxy | null>();
	const read = (...names: string[]): UpstreamProxy | null => {
		const name = names.find((name) => env[name]);
		if (name === undefined) return null;
		// once, as it may be told of
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
		// Not the value: it may hold a password.
		warn(`${name} names no proxy that can be used: http[s]://[USER:PASSWORD@]HOST[:PORT] was expected; servers are connected to directly`);
		return null;
	}
	return {
		scheme,
		host: host.replace(/^\[(.*)\]$/, "$1"),
		port: port === undefined ? defaultPort(scheme) : Number(port),
		authorization: userInfo === undefined ? null : basicCredentials(userInfo),
	};
}

/** User and password of a URL, where what is special is escaped, as RFC 7617 has them in a header. */
function basicCredentials(userInfo: string): ByteString {
	const text = percentDecode(userInfo.includes(":") ? userInfo : `${userInfo}:`);
	return `Basic ${Buffer.from(text).toString("base64")}`;
}

/** Whether a host is to be reached directly: by names with all that is below them, addresses, ranges such as 10.0.0.0/8, each with or without a port; or `*`. */
function bypass(list: string): (host: string, port: number) => boolean {
	const ranges = new BlockList();
	const names: { name: string; port: number | null }[] = [];
	for (const entry of list.toLowerCase().split(/[\s,]+/)) {
		const [, address = "", bits = ""] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(entry) ?? [];
		const family = isIP(address);
		if (family !== 0 && Number(bits) <= (family === 4 ? 32 : 128)) ranges.addSubnet(address, Number(bits), family === 4 ? "ipv4" : "ipv6");
		else if (entry !== "") names.push(parseEntry(entry));
	}
	return (host, port) => {
		const family = isIP(host);
		if (host === "localhost" || host.endsWith(".localhost") || LOOPBACK.check(host, family === 6 ? "ipv6" : "ipv4")) return true;
		if (family !== 0 && ranges.check(host, family === 4 ? "ipv4" : "ipv6")) return true;
		return names.some(({ name, port: only }) => (only === null || only === port) && (name === "*" || host === name || host.endsWith(`.${name}`)));
	};
}

function parseEntry(entry: string): { name: string; port: number | null } {
	const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [];
	const name = bracketed ?? plain ?? entry;
	return { name: name.replace(/^\*?\.(?=.)/, ""), port: port === undefined ? null : Number(port) };
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");
