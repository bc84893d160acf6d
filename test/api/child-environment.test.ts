// The environment of a command for a proxy in each mode.
import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { proxyEnvironment } from "../../api/child-environment.ts";
import { openAuthority } from "../../src/ca/authority.ts";
import { parseModes } from "../../src/proxy/route/modes.ts";

const home = join(t.testdir(), "home");
const authority = await openAuthority(home);

async function surroundings(...listeners: [mode: string, host: string, port: number][]) {
	const listening = listeners.map(([mode, host, port]) => {
		const [parsed] = parseModes({ mode: [mode], listen_host: "127.0.0.1", listen_port: 0 });
		if (parsed === undefined) throw new Error(mode);
		return { host, port, mode: parsed };
	});
	return proxyEnvironment({ authority, listeners: listening }, home, {
		PATH: "/bin",
		HTTPS_PROXY: "http://company:3128",
		NO_PROXY: "x",
	});
}

t.test("the proxy is the first listener for clients that are configured with a proxy", async (t) => {
	const env = await surroundings(
		["reverse:http://a", "127.0.0.1", 1],
		["upstream:http://b", "0.0.0.0", 2],
		["regular", "127.0.0.1", 3],
	);
	t.match(env, {
		PATH: "/bin",
		HTTPS_PROXY: "http://127.0.0.1:2",
		FLOWTAPE_PROXY: "http://127.0.0.1:2",
		FLOWTAPE_LISTENING: "http://127.0.0.1:1 http://127.0.0.1:2 http://127.0.0.1:3",
		FLOWTAPE_CA_FILE: authority.certificateFile,
		NO_PROXY: undefined,
	});
	t.equal(existsSync(env.SSL_CERT_FILE ?? ""), true);
});

t.test("a proxy with authentication: its user, if it has only one", async (t) => {
	const listeners = parseModes({ mode: ["regular"], listen_host: "127.0.0.1", listen_port: 0 }).map((mode) => ({
		host: "127.0.0.1",
		port: 1,
		mode,
	}));
	for (const [spec, login] of [
		["any", "flowtape:flowtape@"],
		["m@e:p:w", "m%40e:p%3Aw@"],
		["@users", ""],
		["ldap:h:dn:pw:sub", ""],
	] as const) {
		const { HTTPS_PROXY, FLOWTAPE_PROXY, FLOWTAPE_LISTENING } = proxyEnvironment(
			{ authority, listeners },
			home,
			{},
			{ proxyauth: spec },
		);
		t.same(
			[HTTPS_PROXY, FLOWTAPE_PROXY, FLOWTAPE_LISTENING],
			[`http://${login}127.0.0.1:1`, `http://${login}127.0.0.1:1`, "http://127.0.0.1:1"],
			spec,
		);
	}
});

t.test("without such a listener, the proxy variables are unchanged", async (t) => {
	const env = await surroundings(["reverse:http://a", "::", 1], ["socks5", "127.0.0.1", 2]);
	t.match(env, {
		HTTPS_PROXY: "http://company:3128",
		NO_PROXY: "x",
		FLOWTAPE_LISTENING: "http://[::1]:1 http://127.0.0.1:2",
		NODE_EXTRA_CA_CERTS: authority.certificateFile,
	});
	t.equal(env.FLOWTAPE_PROXY, undefined);
	t.notMatch(env.JAVA_TOOL_OPTIONS, /proxyHost/);
	t.match(env.JAVA_TOOL_OPTIONS, /trustStore=/);
});
