// Where a client wants to connect, and which hosts are on this machine or near it.
import { BlockList, isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";

/** The destination of a connection, as the client named it. */
export interface Target {
	/** A name, or an address without brackets. */
	readonly host: string;
	readonly port: number;
}

/** A call of `net.Socket.prototype.connect` that asks for a TCP connection. */
export interface ConnectCall {
	readonly options: object;
	readonly done: unknown;
	readonly target: Target;
}

/**
 * Reads the arguments of `net.Socket.prototype.connect`, also in the list in which `net.connect` passes them.
 * @returns null: a Unix socket, or arguments that Node refuses
 */
export function readConnect(args: readonly unknown[]): ConnectCall | null {
	const list: readonly unknown[] = Array.isArray(args[0]) ? args[0] : args;
	const [first, second] = list;
	const isObject = typeof first === "object" && first !== null;
	const options: object = isObject ? first : { port: first, ...(typeof second === "string" && { host: second }) };
	const { host, port, path } = options as { host?: unknown; port?: unknown; path?: unknown };
	if (path || (typeof port !== "number" && (typeof port !== "string" || port.trim() === ""))) return null;
	const target = { host: host || "localhost", port: Number(port) };
	if (typeof target.host !== "string" || !Number.isInteger(target.port)) return null;
	if (target.port < 1 || target.port > 65_535) return null;
	return { options, done: list.findLast((arg) => typeof arg === "function"), target: target as Target };
}

/** The target as it is written in messages and options. */
export function formatTarget({ host, port }: Target): string {
	return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether a name or address is this machine's own, decided without a name server. */
export function isThisMachine(host: string): boolean {
	if (isLoopback(host) || isUnspecified(host)) return true;
	if (isIP(host) === 0) return host.toLowerCase() === hostname().toLowerCase();
	return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === host));
}

/** @param host a name or an address */
export function isLoopback(host: string): boolean {
	return isIP(host) === 0 ? /^(?:.+\.)?localhost\.?$/i.test(host) : contains(loopback, host);
}

/** Whether a server that listens at this address accepts connections to every address. */
export function isUnspecified(address: string): boolean {
	return address === "0.0.0.0" || address === "::";
}

/** Whether an address belongs to this machine or to a private network. */
export function isNear(address: string): boolean {
	return isUnspecified(address) || contains(loopback, address) || contains(privateNetworks, address);
}

const loopback = listOf(["127.0.0.0/8", "::1/128"]);

/** RFC 1918, 6598, 3927, 4193 and 4291. */
const privateNetworks = listOf([
	"10.0.0.0/8",
	"172.16.0.0/12",
	"192.168.0.0/16",
	"100.64.0.0/10",
	"169.254.0.0/16",
	"fc00::/7",
	"fe80::/10",
]);

function contains(list: BlockList, address: string): boolean {
	return list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

function listOf(ranges: readonly string[]): BlockList {
	const list = new BlockList();
	for (const range of ranges) {
		const [address = "", bits] = range.split("/");
		list.addSubnet(address, Number(bits), isIP(address) === 6 ? "ipv6" : "ipv4");
	}
	return list;
}
