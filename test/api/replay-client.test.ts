// Recorded requests sent again by the library.
import t from "tap";
import { startReplayClient } from "../../api/replay-client.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { startOrigin } from "../../fixtures/origin-server.ts";
import { hookOptions } from "../../src/hooks/builtin.ts";
import { defaults } from "../../src/options.ts";
import { options } from "../../src/proxy/replay-client.ts";

t.test("a request goes to its server, and the answer comes back", async (t) => {
	const origin = await startOrigin(t, async (client) => {
		await client.upTo("\r\n\r\n");
		client.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain");
	});
	const client = await startReplayClient({
		values: { ...defaults(hookOptions), ...defaults(options) },
		output: null,
		recordings: [],
		timeout: 10,
		report: (code, message) => t.fail(`${code} ${message}`),
	});
	const flow = await client.send(httpFlow({ request: { host: "127.0.0.1", port: origin.port, path: "/a" } }));
	t.equal(flow.response?.text, "again");
	t.match(await client.close(), { recorded: 0, egress: new Map([[`127.0.0.1:${origin.port}`, 1]]) });
});
