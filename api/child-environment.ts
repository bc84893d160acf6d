// The environment of a command that is to go through a proxy that runs, made from the user's own.

import { writeTrustBundle } from "../src/ca/trust-bundle.ts";
import { childEnvironment } from "../src/child/environment.ts";
import { formatAuthority } from "../src/flow/url.ts";
import type { LiveProxy } from "./live.ts";

/**
 * @param home the folder of the authority, where the files that variables name are written
 * @param proxyauth what the proxy asks for; where it names one user, or takes any, that is whom the command comes as
 * @throws FlowtapeError FT_CA
 */
export function childSurroundings(
	{ authority, listeners }: Pick<LiveProxy, "authority" | "listeners">,
	home: string,
	env: NodeJS.ProcessEnv,
	proxyauth: string | null = null,
): Record<string, string> {
	const bundle = writeTrustBundle(home, authority.certificatePem, env);
	return childEnvironment({
		env,
		...addressesOf(listeners, loginOf(proxyauth)),
		...{ caFile: authority.certificateFile, bundleFile: bundle.pemFile, javaTrustStore: bundle.javaFile },
	});
}

/** What a child is told of the proxy: where clients that know of proxies turn to, if a mode takes such, and all its addresses. */
function addressesOf(listeners: LiveProxy["listeners"], login: string): { proxyUrl: string | null; listening: readonly string[] } {
	const urls = listeners.map(({ host, port }) => `http://${formatAuthority(ANY.get(host) ?? host, port)}`);
	const at = listeners.findIndex(({ mode }) => mode.kind === "regular" || mode.kind === "upstream");
	return { proxyUrl: urls[at]?.replace("//", `//${login}`) ?? null, listening: urls };
}

/** In front of an address; empty: there is none, or no telling. */
function loginOf(proxyauth: string | null): string {
	const spec = proxyauth === "any" ? "flowtape:flowtape" : (proxyauth ?? "");
	const [, user, password] = /^(?!@|ldaps?:)([^:]+):(.*)$/s.exec(spec) ?? [];
	return user === undefined ? "" : `${encodeURIComponent(user)}:${encodeURIComponent(password ?? "")}@`;
}

/** Where a client on this machine reaches what listens everywhere. */
const ANY: ReadonlyMap<string, string> = new Map([
	["0.0.0.0", "127.0.0.1"],
	["::", "::1"],
]);
