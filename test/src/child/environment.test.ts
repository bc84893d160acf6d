// The environment of a child command, and the user's own variables in it.
import { existsSync } from "node:fs";
import { delimiter } from "node:path";
import t from "tap";
import { flagsOf } from "../../../commands/cli/options.ts";
import { commands } from "../../../commands/list.ts";
import { childEnvironment, nodePreloadFile } from "../../../src/child/environment.ts";

const files = {
	proxyUrl: "http://127.0.0.1:8080",
	caFile: "/h/ca.pem",
	bundleFile: "/h/bundle.pem",
	javaTrustStore: "/h/bundle.jks",
	phpFolder: "/h/php",
};
const make = (env: NodeJS.ProcessEnv, more: object = {}): Record<string, string> =>
	childEnvironment({ env, ...files, nodePreload: "/p.cjs", ...more });

t.test("variables for the proxy, the authority and flowtape itself", async (t) => {
	t.same(make({ PATH: "/bin", GONE: undefined }), {
		PATH: "/bin",
		HTTP_PROXY: files.proxyUrl,
		HTTPS_PROXY: files.proxyUrl,
		ALL_PROXY: files.proxyUrl,
		http_proxy: files.proxyUrl,
		https_proxy: files.proxyUrl,
		all_proxy: files.proxyUrl,
		npm_config_proxy: files.proxyUrl,
		npm_config_https_proxy: files.proxyUrl,
		GLOBAL_AGENT_HTTP_PROXY: files.proxyUrl,
		GLOBAL_AGENT_HTTPS_PROXY: files.proxyUrl,
		NODE_EXTRA_CA_CERTS: "/h/ca.pem",
		DENO_CERT: "/h/ca.pem",
		SSL_CERT_FILE: "/h/bundle.pem",
		NIX_SSL_CERT_FILE: "/h/bundle.pem",
		CURL_CA_BUNDLE: "/h/bundle.pem",
		REQUESTS_CA_BUNDLE: "/h/bundle.pem",
		PIP_CERT: "/h/bundle.pem",
		AWS_CA_BUNDLE: "/h/bundle.pem",
		GIT_SSL_CAINFO: "/h/bundle.pem",
		CARGO_HTTP_CAINFO: "/h/bundle.pem",
		PERL_LWP_SSL_CA_FILE: "/h/bundle.pem",
		BUNDLE_SSL_CA_CERT: "/h/bundle.pem",
		HTTPLIB2_CA_CERTS: "/h/bundle.pem",
		CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: "/h/bundle.pem",
		GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: "/h/bundle.pem",
		NODE_USE_ENV_PROXY: "1",
		NODE_OPTIONS: "--require /p.cjs",
		JAVA_TOOL_OPTIONS:
			"-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=8080 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=8080 -Dhttp.nonProxyHosts= " +
			"-Djavax.net.ssl.trustStore=/h/bundle.jks -Djavax.net.ssl.trustStoreType=JKS",
		PHP_INI_SCAN_DIR: `${delimiter}/h/php`,
		FLOWTAPE_ACTIVE: "1",
		FLOWTAPE_PROXY: files.proxyUrl,
		FLOWTAPE_CA_FILE: "/h/ca.pem",
	});
});

t.test("variables of an outer run are replaced or removed, and none sets an option", async (t) => {
	const outer = make({}, { ownToken: "outer", clientsFolder: "/outer" });
	t.match(outer, { FLOWTAPE_OWN_TOKEN: "outer", FLOWTAPE_CLIENTS: "/outer" });
	t.match(make(outer, { ownToken: "inner" }), { FLOWTAPE_OWN_TOKEN: "inner", FLOWTAPE_CLIENTS: undefined });
	const run = await commands.run?.();
	if (run === undefined) throw new Error("no run");
	const names = new Set((await flagsOf(run)).map(({ name }) => `FLOWTAPE_${name.toUpperCase()}`));
	t.same(
		Object.keys(outer).filter((name) => names.has(name)),
		[],
	);
});

t.test("PHP reads the user's folders, then flowtape's", async (t) => {
	t.equal(make({ PHP_INI_SCAN_DIR: "/etc/mine" }).PHP_INI_SCAN_DIR, `/etc/mine${delimiter}/h/php`);
});

t.test("no host bypasses the proxy", async (t) => {
	const env = make({
		NO_PROXY: "localhost",
		no_proxy: "127.0.0.1",
		npm_config_noproxy: "x",
		GLOBAL_AGENT_NO_PROXY: "y",
		HTTP_PROXY: "http://corporate:3128",
	});
	t.same(
		Object.keys(env).filter((name) => /no_?proxy/i.test(name)),
		[],
	);
	t.equal(env.HTTP_PROXY, files.proxyUrl);
});

t.test("the user's variables are extended", async (t) => {
	const env = make({
		NODE_OPTIONS: "--max-old-space-size=99",
		JAVA_TOOL_OPTIONS: "-Xmx1g -Djavax.net.ssl.trustStore=/mine",
		NODE_EXTRA_CA_CERTS: "/mine.pem",
	});
	t.equal(env.NODE_OPTIONS, "--max-old-space-size=99 --require /p.cjs");
	t.match(
		env.JAVA_TOOL_OPTIONS,
		/^-Xmx1g -Djavax.net.ssl.trustStore=\/mine -Dhttp.proxyHost=\S+ -Dhttp.*nonProxyHosts=$/,
	);
	t.equal(env.NODE_EXTRA_CA_CERTS, "/h/bundle.pem", "the bundle holds the user's file");
	t.equal(env.DENO_CERT, "/h/ca.pem");
	t.same(make(env), make(env), "once");
	t.equal(make(env).NODE_OPTIONS, env.NODE_OPTIONS);
	t.match(
		make(env, { proxyUrl: "http://127.0.0.1:9" }).JAVA_TOOL_OPTIONS,
		/proxyPort=8080.*proxyPort=9/,
		"the last one counts",
	);
});

t.test("paths with spaces and addresses with brackets", async (t) => {
	const env = make({}, { nodePreload: '/a b/"c\\d.cjs', javaTrustStore: "/a b/c.jks", proxyUrl: "http://[::1]" });
	t.equal(env.NODE_OPTIONS, '--require "/a b/\\"c\\\\d.cjs"');
	t.match(env.JAVA_TOOL_OPTIONS, /"-Djavax.net.ssl.trustStore=\/a b\/c.jks"/);
	t.match(env.JAVA_TOOL_OPTIONS, /^-Dhttp.proxyHost=::1 -Dhttp.proxyPort=80 /);
});

t.test("the preload module exists", async (t) => {
	t.ok(existsSync(nodePreloadFile), nodePreloadFile);
	t.match(childEnvironment({ env: {}, ...files }).NODE_OPTIONS, "node-preload.cjs");
});
