// The environment variables that send a command's requests through a running proxy and make it trust the authority.

import { writeTrustBundle } from "../src/ca/trust-bundle.ts";
import { childEnvironment } from "../src/child/environment.ts";
import { localAddressOf } from "../src/flow/loopback.ts";
import { formatAuthority } from "../src/flow/url.ts";
import type { LiveProxy } from "./live.ts";

/** What the environment names of a proxy. */
interface ProxyAddress extends Pick<LiveProxy, "listeners"> {
	readonly authority: Pick<LiveProxy["authority"], "certificatePem" | "certificateFile">;
}

/** How a command uses the proxy. */
export interface ChildSettings {
	/** The proxy's authentication. If it names one user or accepts any, the command authenticates as that user. */
	proxyauth?: string | null;
	/** Whether hosts that NO_PROXY names stay reachable without the proxy; default: no. */
	keepsBypass?: boolean | undefined;
	/** The command's own servers. Its Node processes use the token to tell the proxy about them. */
	own?: { readonly token: string } | null | undefined;
	/** The command's processes that use the proxy. Its Node processes announce themselves in the folder. */
	clients?: { readonly folder: string } | null | undefined;
}

/**
 * @param home the folder of the authority; the certificate files that variables refer to are written there
 * @param env the environment to extend
 * @throws FlowtapeError FT_CA if the certificate files cannot be written
 */
export function proxyEnvironment(
	{ authority, listeners }: ProxyAddress,
	home: string,
	env: NodeJS.ProcessEnv,
	{ proxyauth = null, keepsBypass = false, own = null, clients = null }: ChildSettings = {},
): Record<string, string> {
	const bundle = writeTrustBundle(home, authority.certificatePem, env);
	return childEnvironment({
		env,
		keepsBypass,
		ownToken: own?.token,
		clientsFolder: clients?.folder,
		...addressesOf(listeners, credentialsOf(proxyauth)),
		caFile: authority.certificateFile,
		bundleFile: bundle.pemFile,
		javaTrustStore: bundle.javaFile,
		phpFolder: bundle.phpFolder,
	});
}

/**
 * The proxy's URL for clients that are configured with a proxy (null if no mode accepts them), and the URLs of all
 * listeners.
 */
function addressesOf(
	listeners: LiveProxy["listeners"],
	login: string,
): { proxyUrl: string | null; listening: readonly string[] } {
	const urls = listeners.map(({ host, port }) => `http://${formatAuthority(localAddressOf(host), port)}`);
	const at = listeners.findIndex(({ mode }) => mode.kind === "regular" || mode.kind === "upstream");
	return { proxyUrl: urls[at]?.replace("//", `//${login}`) ?? null, listening: urls };
}

/** `user:password@` for the proxy's URL; empty if no credentials are needed or known. */
function credentialsOf(proxyauth: string | null): string {
	const spec = proxyauth === "any" ? "flowtape:flowtape" : (proxyauth ?? "");
	const [, user, password] = /^(?!@|ldaps?:)([^:]+):(.*)$/s.exec(spec) ?? [];
	return user === undefined ? "" : `${encodeURIComponent(user)}:${encodeURIComponent(password ?? "")}@`;
}
