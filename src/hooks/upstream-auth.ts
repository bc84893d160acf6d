// Credentials for whoever stands behind the proxy: the target of a reverse proxy gets them with every request. The proxies that an upstream mode names
// get them from the connections to them (src/proxy/upstream/proxy.ts), and no flow has those.
import { FlowtapeError } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { Hook } from "./hook.ts";

export const options = {
	upstream_auth: {
		type: "string",
		default: null,
		metavar: "USER:PASSWORD",
		help: "Authenticate to the target of reverse mode or the proxy of upstream mode, with HTTP Basic.",
	},
} as const satisfies OptionTable;

/** The credentials of RFC 7617 for a header. @throws FlowtapeError FT_BAD_OPTION unless a user name stands before a colon */
export function upstreamCredentials({ upstream_auth: text }: OptionValues<typeof options>): ByteString | null {
	if (text === null) return null;
	if (!/^[^:]+:/s.test(text)) throw new FlowtapeError("FT_BAD_OPTION", "upstream_auth: USER:PASSWORD was expected", { option: "upstream_auth" });
	return `Basic ${Buffer.from(text).toString("base64")}`;
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
