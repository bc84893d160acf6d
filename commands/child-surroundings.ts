// The environment of a command that is to go through a proxy that runs, made from the user's own.
import type { LiveProxy } from "../index.ts";
import { formatAuthority } from "../src/flow/url.ts";
import { childEnvironment } from "../src/proxy/child-environment.ts";
import { writeTrustBundle } from "../src/proxy/trust-bundle.ts";

/** @param home the folder of the authority, where the files that variables name are written. @throws FlowtapeError FT_CA */
export async function childSurroundings(
	{ authority, listeners }: Pick<LiveProxy, "authority" | "listeners">,
	home: string,
	env: NodeJS.ProcessEnv,
): Promise<Record<string, string>> {
	const bundle = await writeTrustBundle(home, authority.certificatePem, env);
	return childEnvironment({
		env,
		...addressesOf(listeners),
		...{ caFile: authority.certificateFile, bundleFile: bundle.pemFile, javaTrustStore: bundle.javaFile },
	});
}

/** What a child is told of the proxy: where clients that know of proxies turn to, if a mode takes such, and all its addresses. */
function addressesOf(listeners: LiveProxy["listeners"]): { proxyUrl: string | null; listening: readonly string[] } {
	const urls = listeners.map(({ host, port }) => `http://${formatAuthority(ANY.get(host) ?? host, port)}`);
	const at = listeners.findIndex(({ mode }) => mode.kind === "regular" || mode.kind === "upstream");
	return { proxyUrl: urls[at] ?? null, listening: urls };
}

/** Where a client on this machine reaches what listens everywhere. */
const ANY: ReadonlyMap<string, string> = new Map([
	["0.0.0.0", "127.0.0.1"],
	["::", "::1"],
]);
