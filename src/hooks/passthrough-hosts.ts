// Hosts that are tunnelled without interception, or whose decrypted content is treated as bytes. This is not a hook,
// because there is no flow yet: tunnels check it before they read their content.
import { FlowtapeError } from "../errors.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { PythonRegex } from "../regex/python-regex.ts";
import type { HostNames, PassthroughHosts } from "./authenticator.ts";

export const options = {
	ignore_hosts: {
		type: "sequence",
		default: [],
		metavar: "REGEX",
		help: "Pass tunnels to matching hosts through untouched, including TLS. The pattern is matched against host:port, with the host from CONNECT or SOCKS, from the TLS server name, and from the Host header.",
	},
	allow_hosts: {
		type: "sequence",
		default: [],
		metavar: "REGEX",
		help: "Intercept only matching hosts; pass tunnels to all others through untouched.",
	},
	tcp_hosts: {
		type: "sequence",
		default: [],
		metavar: "REGEX",
		help: "Intercept TLS to matching hosts, but do not parse HTTP. The bytes are recorded as TCP flows.",
	},
	show_ignored_hosts: {
		type: "boolean",
		default: false,
		help: "Record tunnels that ignore_hosts and allow_hosts pass through, as TCP flows.",
	},
} as const satisfies OptionTable;

/**
 * null: there are no such hosts.
 * @throws FlowtapeError FT_BAD_PATTERN
 */
export async function createPassthroughHosts(values: OptionValues<typeof options>): Promise<PassthroughHosts | null> {
	const { ignore_hosts, allow_hosts, tcp_hosts, show_ignored_hosts } = values;
	if (ignore_hosts.length + allow_hosts.length + tcp_hosts.length === 0) return null;
	const ignored = await compile("ignore_hosts", ignore_hosts);
	const allowed = await compile("allow_hosts", allow_hosts);
	const opaque = await compile("tcp_hosts", tcp_hosts);
	const withPort = ({ hosts, port }: HostNames) => hosts.map((host) => `${host}:${port}`);
	return {
		showIgnored: show_ignored_hosts,
		isIgnoredAtOnce: (names) => isAnyOf(ignored, withPort(names)),
		isIgnored(names) {
			const written = withPort(names);
			return isAnyOf(ignored, written) || (allowed.length > 0 && !isAnyOf(allowed, written));
		},
		isOpaque: ({ hosts }) => isAnyOf(opaque, hosts),
	};
}

async function compile(option: string, patterns: readonly string[]): Promise<PythonRegex[]> {
	const { compilePythonRegex } = await import("../regex/python-regex.ts");
	return patterns.map((pattern) => {
		try {
			return compilePythonRegex(pattern, { kind: "text", ignoreCase: true });
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			throw error.withDetail({ option }, `${option}: ${error.message}`);
		}
	});
}

function isAnyOf(regexes: readonly PythonRegex[], names: readonly string[]): boolean {
	return regexes.some((regex) => names.some((name) => matches(regex, name)));
}

/** A pattern that takes too long does not match: there is no flow to report it on, and the client is waiting. */
function matches(regex: PythonRegex, name: string): boolean {
	try {
		return regex.test(name);
	} catch (error) {
		if (error instanceof FlowtapeError) return false;
		throw error;
	}
}
