// The address of a proxy. The tests of `record`, `replayServer` and `run` test the rest.
import { join } from "node:path";
import t from "tap";
import { record } from "../../api/record.ts";

t.test("clients can use the address, even if the proxy listens on all addresses", async (t) => {
	for (const [options, url] of [
		[{ host: "0.0.0.0" }, /^http:\/\/127\.0\.0\.1:\d+$/],
		[{ mode: "socks5" }, /^socks5:\/\/127\.0\.0\.1:\d+$/],
		[{ mode: ["reverse:http://127.0.0.1:1", "socks5"] }, /^http:\/\/127\.0\.0\.1:\d+$/],
	] as const) {
		await using proxy = await record({ ca: join(t.testdirName, "..", `home-${process.pid}`), ...options });
		t.match(proxy.url.href.replace(/\/$/, ""), url);
	}
});
