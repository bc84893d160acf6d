// The environment variables that make a child command use the proxy and trust its authority, for each runtime.
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { addingVariables, replacingVariables } from "../ca/trust-bundle.ts";

/** The input of `childEnvironment`. */
export interface ChildProxy {
	/** The environment to extend. */
	env: NodeJS.ProcessEnv;
	/**
	 * The proxy for clients that can use one, such as `http://127.0.0.1:8080`; null: no mode accepts such clients, and
	 * the user tells the command where to connect.
	 */
	proxyUrl: string | null;
	/** Every address of the proxy, in the order of its modes. */
	listening?: readonly string[];
	/** PEM file of the authority's certificate only. */
	caFile: string;
	/** All authorities to trust, as PEM and as Java key store: the files of `writeTrustBundle`. */
	bundleFile: string;
	javaTrustStore: string;
	phpFolder: string;
	/**
	 * The token with which Node processes of the child tell the proxy which servers are their own; absent: they do not.
	 */
	ownToken?: string | undefined;
	/** The folder in which Node processes of the child announce themselves; absent: they do not. */
	clientsFolder?: string | undefined;
	/** Whether the child keeps NO_PROXY, and so reaches the hosts in it without the proxy; default: no. */
	keepsBypass?: boolean;
	/** The module that Node preloads; default: `nodePreloadFile`. */
	nodePreload?: string;
}

/**
 * The preload module for Node. The same relative path leads to it from the build of this file and from a chunk of the
 * bundle.
 */
export const nodePreloadFile = fileURLToPath(new URL("../child/node-preload.cjs", import.meta.url));

/** Variables that name the proxy. curl reads `http_proxy` in lower case only, other programs read upper case only. */
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
 * Variables that name hosts to reach without a proxy, in lower case. They are removed unless `keepsBypass` is set: most
 * of them name localhost, and services on localhost are recorded most often. (Go and Ruby never use a proxy for
 * loopback addresses.)
 */
const bypassVariables = ["no_proxy", "npm_config_noproxy", "global_agent_no_proxy"];

/** Variables for the proxy of an outer run. They are set anew or removed. */
const outerVariables: ReadonlySet<string> = new Set(["FLOWTAPE_OWN_TOKEN", "FLOWTAPE_CLIENTS"]);

/** The value of NO_PROXY: hosts that programs reach without a proxy; empty: none. */
export function bypassOf(env: NodeJS.ProcessEnv): string {
	return env.no_proxy || env.NO_PROXY || "";
}

/** The child's complete environment. Our options are appended to the user's NODE_OPTIONS and JAVA_TOOL_OPTIONS. */
export function childEnvironment(child: ChildProxy): Record<string, string> {
	const { env, caFile, bundleFile } = child;
	const result: Record<string, string> = {};
	for (const [name, value] of Object.entries(env)) {
		if (outerVariables.has(name)) continue;
		const isRemoved = child.proxyUrl !== null && !child.keepsBypass && bypassVariables.includes(name.toLowerCase());
		if (value !== undefined && !isRemoved) result[name] = value;
	}
	for (const name of replacingVariables) result[name] = bundleFile;
	// Node loads these at every start, and one certificate loads faster than a hundred.
	for (const name of addingVariables) result[name] = env[name] ? bundleFile : caFile;
	result.JAVA_TOOL_OPTIONS = appended(env.JAVA_TOOL_OPTIONS, javaOptions(child));
	// An empty entry stands for PHP's default folder.
	result.PHP_INI_SCAN_DIR = `${env.PHP_INI_SCAN_DIR ?? ""}${delimiter}${child.phpFolder}`;
	result.FLOWTAPE_ACTIVE = "1";
	result.FLOWTAPE_CA_FILE = caFile;
	if (child.listening !== undefined) result.FLOWTAPE_LISTENING = child.listening.join(" ");
	return child.proxyUrl === null ? result : { ...result, ...proxyEnvironment(child, child.proxyUrl) };
}

function proxyEnvironment(
	{ env, ownToken, clientsFolder, nodePreload = nodePreloadFile }: ChildProxy,
	proxyUrl: string,
): Record<string, string> {
	return {
		...Object.fromEntries(proxyVariables.map((name) => [name, proxyUrl])),
		NODE_USE_ENV_PROXY: "1",
		NODE_OPTIONS: appended(env.NODE_OPTIONS, [`--require ${quoteForNode(nodePreload)}`]),
		FLOWTAPE_PROXY: proxyUrl,
		...(ownToken !== undefined && { FLOWTAPE_OWN_TOKEN: ownToken }),
		...(clientsFolder !== undefined && { FLOWTAPE_CLIENTS: clientsFolder }),
	};
}

function appended(before: string | undefined, options: readonly string[]): string {
	const wanted = before ? options.filter((option) => !` ${before} `.includes(` ${option} `)) : options;
	return [...(before ? [before] : []), ...wanted].join(" ");
}

/**
 * Quotes a path for NODE_OPTIONS. Node splits it at spaces; within double quotes, a backslash escapes the next
 * character.
 */
export function quoteForNode(path: string): string {
	return /[\s"\\]/.test(path) ? `"${path.replace(/["\\]/g, "\\$&")}"` : path;
}

function javaOptions({ env, proxyUrl, javaTrustStore, keepsBypass }: ChildProxy): string[] {
	const options = proxyUrl === null ? [] : javaProxyOptions(proxyUrl, keepsBypass ? bypassOf(env) : "");
	if (!env.JAVA_TOOL_OPTIONS?.includes("-Djavax.net.ssl.trustStore=")) {
		options.push(`-Djavax.net.ssl.trustStore=${javaTrustStore}`, "-Djavax.net.ssl.trustStoreType=JKS");
	}
	// The JVM splits JAVA_TOOL_OPTIONS at spaces outside quotes, and has no escapes.
	return options.map((option) => (/\s/.test(option) ? `"${option}"` : option));
}

function javaProxyOptions(proxyUrl: string, bypass: string): string[] {
	const { hostname, port } = new URL(proxyUrl);
	const host = hostname.replace(/^\[|\]$/g, "");
	// Java bypasses the proxy for loopback addresses unless `nonProxyHosts` is set.
	return [
		...["http", "https"].flatMap((scheme) => [`-D${scheme}.proxyHost=${host}`, `-D${scheme}.proxyPort=${port || 80}`]),
		`-Dhttp.nonProxyHosts=${javaHosts(bypass)}`,
	];
}

/**
 * Converts NO_PROXY to Java's nonProxyHosts, in which a name does not include its subdomains, and entries have no port.
 */
function javaHosts(bypass: string): string {
	const names = bypass.split(/[\s,]+/).map((entry) => entry.replace(/:\d+$/, "").replace(/^\*?\./, ""));
	return names.flatMap((name) => (name === "" ? [] : name === "*" ? ["*"] : [name, `*.${name}`])).join("|");
}
