// The URL of a listener, for clients on this machine.
import { localAddressOf } from "../src/flow/loopback.ts";
import { formatAuthority } from "../src/flow/url.ts";
import type { Listening } from "../src/proxy/server.ts";

export function listenerUrl({ host, port, mode }: Listening): URL {
	return new URL(`${mode.kind === "socks5" ? "socks5" : "http"}://${formatAuthority(localAddressOf(host), port)}`);
}
