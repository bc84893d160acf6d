// Decides which client addresses may connect. An open proxy on the internet is soon abused.
import { BlockList, isIP } from "node:net";
import type { OptionTable, OptionValues } from "../../options.ts";

export const options = {
	block_global: { type: "boolean", default: true, help: "Close connections from public addresses." },
	block_private: {
		type: "boolean",
		default: false,
		help: "Close connections from private addresses; loopback addresses are always allowed.",
	},
} as const satisfies OptionTable;

/** The name of the option that refuses clients with this address; null: they may connect. */
export function refusalOf(address: string, values: OptionValues<typeof options>): string | null {
	const bare = address.replace(/%.*$/, "");
	if (isIP(bare) === 0 || loopback.contains(bare)) return null;
	if (special.contains(bare)) return values.block_private ? "block_private" : null;
	return values.block_global && !shared.contains(bare) ? "block_global" : null;
}

class Ranges {
	readonly #list = new BlockList();

	constructor(ranges: readonly string[]) {
		for (const range of ranges) {
			const [address = "", bits] = range.split("/");
			this.#list.addSubnet(address, Number(bits), isIP(address) === 6 ? "ipv6" : "ipv4");
		}
	}

	contains(address: string): boolean {
		return this.#list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
	}
}

const loopback = new Ranges(["127.0.0.0/8", "::1/128"]);

/** Addresses that the special-purpose registries (RFC 6890 and its updates) do not list as globally reachable. */
const special = new Ranges([
	"0.0.0.0/8",
	"10.0.0.0/8",
	"169.254.0.0/16",
	"172.16.0.0/12",
	"192.0.0.0/29",
	"192.0.0.170/31",
	"192.0.2.0/24",
	"192.168.0.0/16",
	"198.18.0.0/15",
	"198.51.100.0/24",
	"203.0.113.0/24",
	"240.0.0.0/4",
	"::/128",
	"64:ff9b:1::/48",
	"100::/64",
	"2001::/23",
	"2001:db8::/32",
	"2002::/16",
	"3fff::/20",
	"fc00::/7",
	"fe80::/10",
]);

/** Shared addresses behind a provider's NAT (RFC 6598): they count as neither private nor public. */
const shared = new Ranges(["100.64.0.0/10"]);
