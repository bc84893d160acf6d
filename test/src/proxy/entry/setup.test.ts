// The table of all options of the proxy.
import t from "tap";
import { options as bodyOptions } from "../../../../src/proxy/body/policy.ts";
import { options as acceptorOptions } from "../../../../src/proxy/entry/acceptor.ts";
import { proxyOptions } from "../../../../src/proxy/entry/setup.ts";
import { options as modeOptions } from "../../../../src/proxy/route/modes.ts";
import { options as clientTlsOptions } from "../../../../src/proxy/tls/client-options.ts";
import { options as upstreamOptions } from "../../../../src/proxy/upstream/pool.ts";
import { options as websocketOptions } from "../../../../src/proxy/websocket/conversation.ts";

t.test("no part hides another option of the same name", (t) => {
	const parts = [modeOptions, bodyOptions, acceptorOptions, clientTlsOptions, upstreamOptions, websocketOptions];
	const options = parts.flatMap((part) => Object.entries(part));
	for (const [name, option] of options) t.equal(proxyOptions[name as keyof typeof proxyOptions], option, name);
	t.equal(Object.keys(proxyOptions).length, new Set(["session", ...options.map(([name]) => name)]).size);
	t.end();
});
