// Hosts whose traffic is none of our business: passed through untouched, or out of TLS and then as bytes. It is no hook, as hooks see flows, and
// here there is none: tunnels ask, before they look into what they hold.
import { FlowtapeError } from "../errors.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { PythonRegex } from "../regex/python-regex.ts";
import type { HostNames, PassthroughHosts } from "./authenticator.ts";

export const options = {
	ignore_hosts: {
		type: "sequence",
		default: [],
		metavar: "REGEX",
		help: "Pass tunnels to matching hosts through as they are, TLS included. Compared with host:port, as the client names it to the proxy, in TLS and as Host.",
	},
	allow_hosts: { type: "sequence", default: [], metavar: "REGEX", help: "Pass tunnels to all but matching hosts through as they are." },
	tcp_hosts: {
		type: "sequence",
		default: [],
		metavar: "REGEX",
		help: "Treat what goes to matching hosts as bytes: TLS is intercepted, HTTP is not read. It is recorded as TCP flows.",
	},
	show_ignored_hosts: { type: "boolean", default: false, help: "Record what ignore_hosts and allow_hosts pass through, as TCP flows." },
} as const satisfies OptionTable;

/**
 * null: no host is passed.
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
			throw new FlowtapeError(error.code, `${option}: ${error.message}`, { option, cause: error });
		}
	});
}

function isAnyOf(regexes: readonly PythonRegex[], names: readonly string[]): boolean {
	return regexes.some((regex) => names.some((name) => matches(regex, name)));
}

/** A pattern that takes too long on a name does not match it: there is nobody to tell, and the client waits. */
function matches(regex: PythonRegex, name: string): boolean {
	try {
		return regex.test(name);
	} catch (error) {
		if (error instanceof FlowtapeError) return false;
		throw error;
	}
}
