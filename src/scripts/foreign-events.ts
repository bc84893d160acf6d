// Functions of scripts for mitmproxy that nobody calls here: a script that waits for one of them is to be told so.
import type { Addon } from "./addon.ts";

/** Events of mitmproxy that there are none of. */
const foreign = [
	...["update", "add_log", "next_layer", "socks5_auth", "quic_start_client", "quic_start_server", "udp_start", "udp_message", "udp_end"],
	...["udp_error", "dns_request", "dns_response", "dns_error"],
] as const;

/** The names of such functions that are there. */
export function foreignEvents(addons: readonly Addon[]): string[] {
	return foreign.filter((name) => addons.some((addon) => typeof (addon as Readonly<Record<string, unknown>>)[name] === "function"));
}
