// Loopback addresses and names.
import type * as Net from "node:net";
import { lazily } from "../lazy.ts";

const net = lazily<typeof Net>("node:net");
let addresses: Net.BlockList | undefined;

function loopbackAddresses(): Net.BlockList {
	if (addresses !== undefined) return addresses;
	addresses = new (net().BlockList)();
	addresses.addSubnet("127.0.0.0", 8, "ipv4");
	addresses.addAddress("::1", "ipv6");
	return addresses;
}

/** @param host an address without brackets, or a name */
export function isLoopback(host: string): boolean {
	// nearly all are one of these
	if (host === "127.0.0.1" || host === "::1") return true;
	const family = net().isIP(host);
	if (family === 0) return /^(?:.+\.)?localhost\.?$/i.test(host);
	return loopbackAddresses().check(host, family === 6 ? "ipv6" : "ipv4");
}

/**
 * Unspecified addresses, which a server uses to listen on all addresses, each with the address at which a client on
 * this machine reaches that server.
 */
const UNSPECIFIED: ReadonlyMap<string, string> = new Map([
	["0.0.0.0", "127.0.0.1"],
	["::", "::1"],
]);

/** Whether a connection to this host stays on this machine, decided without a name lookup. */
export function staysHere(host: string): boolean {
	return isLoopback(host) || UNSPECIFIED.has(host);
}

/** The address at which a client on this machine reaches a server that listens at `host`. */
export function localAddressOf(host: string): string {
	return UNSPECIFIED.get(host) ?? host;
}
