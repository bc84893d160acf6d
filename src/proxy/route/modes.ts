// Proxy modes, which set the protocol that a port accepts and the destination of its traffic, in mitmproxy's notation:
// `reverse:https://example.com@127.0.0.1:8443`.
import { FlowtapeError } from "../../errors.ts";
import { defaultPort, formatAuthority, parseAuthority } from "../../flow/url.ts";
import type { OptionTable, OptionValues } from "../../options.ts";

export const options = {
	mode: {
		type: "sequence",
		default: ["regular"],
		short: "m",
		metavar: "MODE[@[HOST:]PORT]",
		help: "How clients connect: regular (HTTP proxy), socks5, reverse:http[s]://HOST[:PORT], upstream:http[s]://PROXY[:PORT]. Can be repeated, each mode with its own address.",
	},
	listen_host: { type: "string", default: "127.0.0.1", metavar: "HOST", help: "Address to listen on." },
	listen_port: {
		type: "integer",
		default: null,
		min: 0,
		max: 65535,
		metavar: "PORT",
		short: "p",
		help: "Port to listen on; 0 picks a free one. Default: 8080 (socks5: 1080), or a free one with -- CMD.",
	},
} as const satisfies OptionTable;

/** The server or the proxy that a mode names. */
export interface ModeServer {
	scheme: "http" | "https";
	host: string;
	port: number;
}

export type ProxyMode = {
	/** As the user wrote it; recorded in flows. */
	readonly text: string;
	readonly listen: { readonly host: string; readonly port: number };
} & ({ readonly kind: "regular" | "socks5" } | { readonly kind: "reverse" | "upstream"; readonly server: ModeServer });

/** mitmproxy's modes that intercept traffic in the operating system; they are not supported. */
const SYSTEM_MODES = ["transparent", "local", "wireguard", "tun", "osproxy"];

/**
 * The configured modes, each with its listening address.
 * @throws FlowtapeError FT_BAD_OPTION for an unknown mode, and if two modes share an address
 */
export function parseModes(values: OptionValues<typeof options>): ProxyMode[] {
	if (values.mode.length === 0) throw invalidMode("", "expected a mode, such as regular");
	const modes = values.mode.map((text) => parseMode(text, values));
	const taken = new Map<string, string>();
	for (const { text, listen } of modes) {
		const address = formatAuthority(listen.host, listen.port);
		const other = listen.port === 0 ? undefined : taken.get(address);
		if (other !== undefined)
			throw invalidMode(
				text,
				`${address} is already the address of "${other}"; give this mode another one: ${text.replace(/@.*/, "")}@PORT`,
			);
		taken.set(address, text);
	}
	return modes;
}

function parseMode(text: string, { listen_host, listen_port }: OptionValues<typeof options>): ProxyMode {
	const at = text.lastIndexOf("@");
	const [, name = "", data = ""] = /^([^:]*):?(.*)$/s.exec(at < 0 ? text : text.slice(0, at)) as RegExpExecArray;
	const kind = name.toLowerCase();
	const own = at < 0 ? null : parseListen(text, text.slice(at + 1));
	const listen = {
		host: own?.host ?? listen_host,
		port: own?.port ?? listen_port ?? (kind === "socks5" ? 1080 : 8080),
	};
	switch (kind) {
		case "regular":
		case "socks5":
			if (data !== "") throw invalidMode(text, `${kind} takes no argument after a colon`);
			return { text, listen, kind };
		case "reverse":
			return { text, listen, kind, server: parseServer(text, data, "https") };
		case "upstream":
			return { text, listen, kind, server: parseServer(text, data, "http") };
		default:
			throw invalidMode(
				text,
				SYSTEM_MODES.includes(kind)
					? `${kind} needs system access that Node does not offer; use reverse: or run a command after -- (docs/modes.md)`
					: "expected regular, socks5, reverse:http[s]://HOST[:PORT] or upstream:http[s]://PROXY[:PORT]",
			);
	}
}

/** `PORT` or `HOST:PORT`. */
function parseListen(text: string, written: string): { host: string | null; port: number } {
	const [, host, digits = ""] = /^(?:(.*):)?(\d{1,5})$/s.exec(written) ?? [];
	if (digits === "" || Number(digits) > 65535)
		throw invalidMode(text, `expected PORT or HOST:PORT after the @, not "${written}"`);
	return { host: host?.replace(/^\[(.*)\]$/, "$1") || null, port: Number(digits) };
}

const SERVER = /^(?:(https?):\/\/)?([^/@]+?)\/?$/i;

function parseServer(text: string, written: string, defaultScheme: "http" | "https"): ModeServer {
	const match = SERVER.exec(written);
	const scheme = (match?.[1]?.toLowerCase() ?? defaultScheme) as "http" | "https";
	const authority = parseAuthority(match?.[2] ?? "");
	if (authority === null || authority.port === 0 || /[\s\\<>"]/.test(authority.host)) {
		const advice = /:\/\/.*[:@]/.test(written) ? "; user and password go in upstream_auth" : "";
		throw invalidMode(text, `expected http[s]://HOST[:PORT] after the first colon, not "${written}"${advice}`);
	}
	return { scheme, host: authority.host, port: authority.port ?? defaultPort(scheme) };
}

function invalidMode(text: string, what: string): FlowtapeError {
	return new FlowtapeError("FT_BAD_OPTION", `mode "${text}": ${what}`, { option: "mode" });
}
