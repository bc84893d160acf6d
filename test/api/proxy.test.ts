// What a proxy says of a field that it could not send; the rest is tested where proxies are started.
import { join } from "node:path";
import t from "tap";
import { leftOutText } from "../../api/proxy.ts";
import { record } from "../../api/record.ts";

t.test("a field that was left out", async (t) => {
	const event = { kind: "left_out", field: "Keep-Alive", url: "https://a.example/" } as const;
	t.match(leftOutText({ ...event, of: "request" }), /"Keep-Alive" of the request for https:\/\/a\.example\/ was left out/);
	t.match(leftOutText({ ...event, of: "response" }), /of the response of/);
});

t.test("an address that a client can use, whatever is listened on", async (t) => {
	for (const [options, url] of [
		[{ host: "0.0.0.0" }, /^http:\/\/127\.0\.0\.1:\d+$/],
		[{ mode: "socks5" }, /^socks5:\/\/127\.0\.0\.1:\d+$/],
		[{ mode: ["reverse:http://127.0.0.1:1", "socks5"] }, /^http:\/\/127\.0\.0\.1:\d+$/],
	] as const) {
		await using proxy = await record({ ca: join(t.testdirName, "..", `home-${process.pid}`), ...options });
		t.match(proxy.url.href.replace(/\/$/, ""), url);
	}
});
