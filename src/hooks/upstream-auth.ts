// Credentials for the target of a reverse proxy, sent with every request. Upstream proxies get them from
// src/proxy/upstream/proxy.ts, outside flows.
import { FlowtapeError } from "../errors.ts";
import { formatBasic } from "../flow/basic-credentials.ts";
import type { ByteString } from "../flow/bytes.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { Hook } from "./hook.ts";

export const options = {
	upstream_auth: {
		type: "string",
		default: null,
		metavar: "USER:PASSWORD",
		help: "Authenticate with HTTP Basic to the server of reverse mode or the proxy of upstream mode.",
	},
} as const satisfies OptionTable;

/**
 * The value of an Authorization header (RFC 7617); null: the option is not set.
 * @throws FlowtapeError FT_BAD_OPTION if there is no user name before a colon
 */
export function upstreamCredentials({ upstream_auth: text }: OptionValues<typeof options>): ByteString | null {
	if (text === null) return null;
	if (!/^[^:]+:/s.test(text))
		throw new FlowtapeError("FT_BAD_OPTION", "upstream_auth: expected USER:PASSWORD", { option: "upstream_auth" });
	return formatBasic(text);
}

/** @throws FlowtapeError FT_BAD_OPTION */
export function createUpstreamAuth(values: OptionValues<typeof options>): Hook | null {
	const credentials = upstreamCredentials(values);
	if (credentials === null) return null;
	return {
		name: "upstream-auth",
		liveOnly: true,
		requestheaders({ clientConn, request }) {
			if (clientConn.proxyMode.startsWith("reverse:")) request.headers.set("Authorization", credentials);
		},
	};
}
