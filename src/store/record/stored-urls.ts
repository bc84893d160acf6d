// The URL that filters match, from the columns of a flow and the bytes of its head, without decoding the head.
import { asBuffer, toText } from "../../flow/bytes.ts";
import { formatUrl, withoutFragment } from "../../flow/url.ts";
import type { FlowRow } from "./flow-row.ts";

/** The SQL of the values that `storedUrls` reads: columns, and the head if a port may follow the host in it. */
export const URL_COLUMNS = [
	"kind",
	"method",
	"scheme",
	"pretty_host",
	"port",
	"path",
	"CASE WHEN instr(head, CAST(pretty_host || ':' AS BLOB)) THEN head END AS head",
] as const;

export type UrlRow = Pick<FlowRow, "kind" | "method" | "scheme" | "pretty_host" | "port" | "path"> & {
	readonly head: Uint8Array | null;
};

/** ASCII without brackets and without the colons of IPv6. */
const PLAIN_HOST = /^[!-9;-Z^-~]+$/;

/**
 * The URLs that a flow may have; none for a flow without a URL; undefined: not known. The columns lack only the port of
 * the Host header, so there is one URL for each port that follows the host in the head.
 */
export function storedUrls({
	kind,
	method,
	scheme,
	pretty_host: host,
	port,
	path,
	head,
}: UrlRow): string[] | undefined {
	if (kind === "tcp" || kind === "udp") return [];
	if (kind !== "http" || scheme === null || host === null || port === null || path === null) return undefined;
	if (!PLAIN_HOST.test(host) || host.includes("xn--") || method?.toUpperCase() === "CONNECT") return undefined;
	const urlWith = (one: number) =>
		withoutFragment(formatUrl(toText(scheme), host, one, path === "*" ? "" : toText(path)));
	const implied = scheme === "http" ? 80 : 443;
	if (head === null && port === implied) return [urlWith(port)];
	const ports = head === null ? [] : portsAfter(host, asBuffer(head));
	return Array.from(new Set([port, implied, ...ports]), urlWith);
}

/** The ports that follow a host in the bytes of a head. */
function portsAfter(host: string, head: Buffer): number[] {
	const named = `${host}:`;
	const ports: number[] = [];
	for (let at = head.indexOf(named); at >= 0; at = head.indexOf(named, at + 1))
		ports.push(Number.parseInt(head.latin1Slice(at + named.length, at + named.length + 5), 10) || 0);
	return ports;
}
