// The proxies in environment variables, and the exempted hosts.
import t from "tap";
import { environmentRoute } from "../../../../src/proxy/route/environment-proxy.ts";

const silent = (message: string) => t.fail(message);

/** Host and port of the proxy for a URL, or null. */
function via(env: NodeJS.ProcessEnv, url: string): string | null {
	const { protocol, hostname, port } = new URL(url);
	const tls = protocol === "https:";
	const found = environmentRoute(
		env,
		silent,
	)?.({ tls, host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || (tls ? 443 : 80)), sni: null, http2: false });
	return found ? `${found.scheme}://${found.host}:${found.port}` : null;
}

t.test("precedence of the variables", async (t) => {
	t.equal(environmentRoute({ PATH: "/bin", HTTPS_PROXY: "" }, silent), null);
	const both = { HTTP_PROXY: "http://plain:1", https_proxy: "https://secure:2" };
	t.equal(via(both, "http://example.com/"), "http://plain:1");
	t.equal(via(both, "https://example.com/"), "https://secure:2");
	t.equal(via({ HTTPS_PROXY: "upper:1", https_proxy: "lower:2" }, "https://example.com/"), "http://lower:2");
	t.equal(via({ HTTPS_PROXY: "upper:1" }, "http://example.com/"), null);
	t.equal(via({ ALL_PROXY: "all" }, "http://example.com/"), "http://all:80");
	t.equal(via({ all_proxy: "https://[2001:db8::1]/" }, "https://example.com/"), "https://2001:db8::1:443");
});

t.test("credentials", async (t) => {
	const authorization = (proxy: string) =>
		environmentRoute({ https_proxy: proxy }, silent)?.({ tls: true, host: "a", port: 443, sni: null, http2: false })
			?.authorization;
	const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
	t.equal(authorization("http://proxy:1"), null);
	t.equal(authorization("http://user:pass@proxy:1"), basic("user:pass"));
	t.equal(authorization("http://us%40er:p%3Aä@proxy:1"), basic("us@er:p:ä"));
	t.equal(authorization("http://user@proxy:1"), basic("user:"));
});

t.test("hosts that are reached directly", async (t) => {
	const to = (no_proxy: string, url: string) => via({ ALL_PROXY: "p:1", no_proxy }, url) === null;
	for (const [list, url, direct] of [
		["", "http://example.com/", false],
		["*", "http://example.com/", true],
		["example.com", "http://example.com/", true],
		["example.com", "http://EXAMPLE.com/", true],
		["example.com", "http://www.example.com/", true],
		["example.com", "http://badexample.com/", false],
		[".example.com", "http://www.example.com/", true],
		["*.example.com, other", "http://a.example.com/", true],
		["a,example.com:8080", "http://example.com:8080/", true],
		["a,example.com:8080", "http://example.com/", false],
		["10.0.0.0/8", "http://10.1.2.3/", true],
		["10.0.0.0/8", "http://11.1.2.3/", false],
		["10.0.0.0/99", "http://10.1.2.3/", false],
		["192.0.2.1", "http://192.0.2.1/", true],
		["2001:db8::/32", "http://[2001:db8::5]/", true],
		["[2001:db8::1]:81", "http://[2001:db8::1]:81/", true],
		["", "http://localhost/", true],
		["", "http://app.localhost:3000/", true],
		["", "http://127.0.0.5/", true],
		["", "https://[::1]/", true],
	] as const)
		t.equal(to(list, url), direct, `${list} ${url}`);
	t.equal(via({ ALL_PROXY: "p:1", NO_PROXY: "a.b" }, "http://a.b/"), null);
});

t.test("invalid values are reported without the password", async (t) => {
	for (const proxy of ["socks5://secret:secret@127.0.0.1:1080", "http://", "::", "http://a/b"]) {
		const said: string[] = [];
		t.equal(
			environmentRoute({ ALL_PROXY: proxy }, (message) => said.push(message)),
			null,
			proxy,
		);
		t.equal(said.length, 1);
		t.match(said[0], /^ALL_PROXY is not a usable proxy URL: expected http\[s\]:\/\//);
		t.notMatch(said.join(), "secret");
	}
});
