// The URLs of listeners.
import t from "tap";
import { listenerUrl } from "../../api/listener-url.ts";

t.test("addresses that mean all addresses become loopback, and SOCKS has its own scheme", (t) => {
	const url = (host: string, kind: "regular" | "socks5") =>
		listenerUrl({ host, port: 8080, mode: { text: kind, kind, listen: { host, port: 8080 } } }).origin;
	t.equal(url("127.0.0.1", "regular"), "http://127.0.0.1:8080");
	t.equal(url("0.0.0.0", "regular"), "http://127.0.0.1:8080");
	t.equal(url("::1", "regular"), "http://[::1]:8080");
	t.equal(
		listenerUrl({ host: "::", port: 1, mode: { text: "socks5", kind: "socks5", listen: { host: "::", port: 1 } } })
			.protocol,
		"socks5:",
	);
	t.end();
});
