// The environment of a command that is to speak through the proxy and to trust its authority, in the words of each runtime.
import { fileURLToPath } from "node:url";
import { addingVariables, replacingVariables } from "../ca/trust-bundle.ts";

/** What a child is told of. */
export interface ChildProxy {
	/** The environment it would have otherwise. */
	env: NodeJS.ProcessEnv;
	/** Where clients that know of proxies turn to, such as `http://127.0.0.1:8080`; null: the proxy takes none such, and the command has to be told itself. */
	proxyUrl: string | null;
	/** Every address of the proxy, in the order of its modes. */
	listening?: readonly string[];
	/** The authority's certificate alone, in PEM. */
	caFile: string;
	/** The authorities to trust all in all, in PEM and for Java, as `writeTrustBundle` writes them. */
	bundleFile: string;
	javaTrustStore: string;
	/** The module that Node loads first; `nodePreloadFile` unless told otherwise. */
	nodePreload?: string;
}

/** The preload module for Node beside this one: from the sources' build and from a bundle's chunks it is the same step. */
export const nodePreloadFile = fileURLToPath(new URL("../child/node-preload.cjs", import.meta.url));

/** Variables that name the proxy. curl reads `http_proxy` in lower case only, others the upper case only. */
const proxyVariables = [
	"HTTP_PROXY",
	"HTTPS_PROXY",
	"ALL_PROXY",
	"http_proxy",
	"https_proxy",
	"all_proxy",
	"npm_config_proxy",
	"npm_config_https_proxy",
	"GLOBAL_AGENT_HTTP_PROXY",
	"GLOBAL_AGENT_HTTPS_PROXY",
];

/**
 * Variables that name hosts to reach without a proxy, in lower case. They are removed: they mostly name localhost, and services there are what people
 * record most. (Go and Ruby never use a proxy for loopback addresses, whatever is set.)
 */
const bypassVariables = ["no_proxy", "npm_config_noproxy", "global_agent_no_proxy"];

/** The whole environment for the child. What the user set for NODE_OPTIONS and JAVA_TOOL_OPTIONS stays, ours is added. */
export function childEnvironment(child: ChildProxy): Record<string, string> {
	const { env, caFile, bundleFile } = child;
	const result: Record<string, string> = {};
	for (const [name, value] of Object.entries(env)) {
		if (value !== undefined && (child.proxyUrl === null || !bypassVariables.includes(name.toLowerCase()))) result[name] = value;
	}
	for (const name of replacingVariables) result[name] = bundleFile;
	// One certificate loads faster than a hundred, and Node loads them at every start.
	for (const name of addingVariables) result[name] = env[name] ? bundleFile : caFile;
	result.JAVA_TOOL_OPTIONS = appended(env.JAVA_TOOL_OPTIONS, javaOptions(child));
	result.FLOWTAPE_ACTIVE = "1";
	result.FLOWTAPE_CA_FILE = caFile;
	if (child.listening !== undefined) result.FLOWTAPE_LISTENING = child.listening.join(" ");
	return child.proxyUrl === null ? result : { ...result, ...proxyEnvironment(child, child.proxyUrl) };
}

function proxyEnvironment({ env, nodePreload = nodePreloadFile }: ChildProxy, proxyUrl: string): Record<string, string> {
	return {
		...Object.fromEntries(proxyVariables.map((name) => [name, proxyUrl])),
		NODE_USE_ENV_PROXY: "1",
		NODE_OPTIONS: appended(env.NODE_OPTIONS, [`--require ${quoteForNode(nodePreload)}`]),
		FLOWTAPE_PROXY: proxyUrl,
	};
}

function appended(before: string | undefined, options: readonly string[]): string {
	const wanted = before ? options.filter((option) => !` ${before} `.includes(` ${option} `)) : options;
	return [...(before ? [before] : []), ...wanted].join(" ");
}

/** NODE_OPTIONS are split at spaces; between double quotes a backslash escapes. */
function quoteForNode(path: string): string {
	return /[\s"\\]/.test(path) ? `"${path.replace(/["\\]/g, "\\$&")}"` : path;
}

function javaOptions({ env, proxyUrl, javaTrustStore }: ChildProxy): string[] {
	const options = proxyUrl === null ? [] : javaProxyOptions(proxyUrl);
	if (!env.JAVA_TOOL_OPTIONS?.includes("-Djavax.net.ssl.trustStore=")) {
		options.push(`-Djavax.net.ssl.trustStore=${javaTrustStore}`, "-Djavax.net.ssl.trustStoreType=JKS");
	}
	// The virtual machine splits at spaces outside of quotes, and knows no escapes.
	return options.map((option) => (/\s/.test(option) ? `"${option}"` : option));
}

function javaProxyOptions(proxyUrl: string): string[] {
	const { hostname, port } = new URL(proxyUrl);
	const host = hostname.replace(/^\[|\]$/g, "");
	// Java leaves loopback addresses out unless told that there is nothing to leave out.
	return [...["http", "https"].flatMap((scheme) => [`-D${scheme}.proxyHost=${host}`, `-D${scheme}.proxyPort=${port || 80}`]), "-Dhttp.nonProxyHosts="];
}
