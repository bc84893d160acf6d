// The proxy modes of each version. The expected values are the results of ProxyMode.parse in mitmproxy 9.0.1 (dumps of
// version 18), 10.4.2 (20), 11.0.2 and 12.2.3 (21).
import t from "tap";
import { isKnownMode } from "../../../formats/mitm/proxy-mode.ts";

/** By the first dump version that may have them. */
const modes: readonly (readonly [since: number, modes: readonly string[]])[] = [
	[
		18,
		[
			"regular",
			"regular@8080",
			"REGULAR",
			"regular@127.0.0.1:8080",
			"transparent",
			"socks5",
			"socks5@1080",
			"dns",
			"dns@53",
			"wireguard",
			"wireguard:/a/b.conf@51820",
			"upstream:http://proxy:3128",
			"upstream:proxy",
			"upstream:https://proxy:3128/",
			"reverse:http://a",
			"reverse:a.example:8080",
			"reverse:https://[2001:db8::1]:443@8081",
			"reverse:tcp://a:6379",
			"reverse:udp://a:53",
			"reverse:tls://a:443",
			"reverse:dtls://a:443",
			"reverse:dns://a",
			"reverse:http://-a_b.example.",
			"reverse:http://user@a:80",
		],
	],
	[20, ["reverse:http3://a", "reverse:quic://a", "local", "local:curl", "local:!123"]],
	[21, ["tun", "tun:utun3"]],
	[
		Number.POSITIVE_INFINITY,
		[
			"regular:x",
			"regular@99999",
			"regular@x",
			"transparent:1",
			"upstream:ftp://proxy",
			"upstream:",
			"upstream",
			"upstream:http://proxy/path",
			"reverse:tcp://a",
			"reverse:tls://a",
			"reverse:gopher://a:70",
			"reverse:http://a:99999",
			"reverse:http://a b",
			"osproxy",
			"",
			"@8080",
			"http3",
			"reverse:http://a..b",
		],
	],
];

t.test("each mode, for each version", async (t) => {
	for (const [since, names] of modes)
		for (const name of names)
			for (const version of [18, 20, 21])
				t.equal(isKnownMode(name, version), version >= since, `${name} in ${version}`);
});
