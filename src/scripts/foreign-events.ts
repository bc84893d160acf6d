// Event functions of mitmproxy that flowtape never calls; scripts that define one get a warning.
import type { Addon } from "./addon.ts";

/** mitmproxy's events without a counterpart here. */
const foreign = [
	"update",
	"add_log",
	"next_layer",
	"socks5_auth",
	"quic_start_client",
	"quic_start_server",
	"udp_start",
	"udp_message",
	"udp_end",
	"udp_error",
	"dns_request",
	"dns_response",
	"dns_error",
] as const;

/** The names of such functions in these addons. */
export function foreignEvents(addons: readonly Addon[]): string[] {
	return foreign.filter((name) =>
		addons.some((addon) => typeof (addon as Readonly<Record<string, unknown>>)[name] === "function"),
	);
}
