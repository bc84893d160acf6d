// mitmproxy's notation for proxy modes: `mode[:data][@[host:]port]`. A release of mitmproxy rejects a whole dump if it
// contains an unknown mode.

/** The dump version from which readers know each mode. */
const MODES = new Map([
	...["regular", "transparent", "socks5", "dns", "wireguard", "upstream", "reverse"].map((mode) => [mode, 18] as const),
	["local", 20],
	["tun", 21],
]);

/** Default ports of reverse proxy schemes; null: the port is required. */
const SCHEMES: Readonly<Record<string, { port: number | null; since: number }>> = {
	http: { port: 80, since: 18 },
	https: { port: 443, since: 18 },
	dns: { port: 53, since: 18 },
	tls: { port: null, since: 18 },
	dtls: { port: null, since: 18 },
	tcp: { port: null, since: 18 },
	udp: { port: null, since: 18 },
	http3: { port: 443, since: 20 },
	quic: { port: 443, since: 20 },
};

/** Whether all releases that read dumps of this version understand the mode. */
export function isKnownMode(text: string, version: number): boolean {
	const [, head = "", port] = /^(.*?)(?:@(?:[^@]*:)?(\d+))?$/s.exec(text) ?? [];
	if (port !== undefined && !isPort(port)) return false;
	const [, name = "", data = ""] = /^([^:]*):?(.*)$/s.exec(head) ?? [];
	const mode = name.toLowerCase();
	if (version < (MODES.get(mode) ?? Number.POSITIVE_INFINITY)) return false;
	switch (mode) {
		case "wireguard":
		case "local":
		case "tun":
			return true;
		case "upstream":
		case "reverse":
			return isServer(
				data,
				mode === "upstream" ? "http" : "https",
				mode === "upstream" ? ["http", "https"] : Object.keys(SCHEMES),
				version,
			);
		default:
			return data === "";
	}
}

/** `[scheme://]host[:port][/]` */
function isServer(text: string, defaultScheme: string, schemes: readonly string[], version: number): boolean {
	const match = /^(?:(\w+):\/\/)?(?:((?:[\w-]{1,63}\.)*[\w-]{1,63}\.?)|\[[\da-f:.]+\])(?::(\d+))?\/?$/i.exec(text);
	if (match === null) return false;
	const [, scheme = defaultScheme, host = "", port] = match;
	const known = schemes.includes(scheme) ? SCHEMES[scheme] : undefined;
	return (
		known !== undefined &&
		version >= known.since &&
		host.length <= 255 &&
		(port === undefined ? known.port !== null : isPort(port))
	);
}

function isPort(digits: string): boolean {
	return Number(digits) <= 65535;
}
