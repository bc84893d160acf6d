// Creates flows with only the package entry `flowtape/flow`.
import t from "tap";
import {
	CookieJar,
	clientConnection,
	Headers,
	HttpFlow,
	parseUrl,
	Request,
	Response,
	serverConnection,
} from "../../api/flow.ts";

t.test("a new flow", async (t) => {
	const { scheme, host, port, path } = parseUrl("https://example.com/a?b=1");
	const flow = new HttpFlow({
		id: "one",
		clientConn: clientConnection({ id: "client" }),
		serverConn: serverConnection({ id: "server" }),
		request: new Request({ method: "GET", scheme, host, port, path, headers: Headers.of(["Host", host]) }),
		response: new Response({ statusCode: 200, reason: "OK", headers: new Headers(), body: Buffer.from("hello") }),
	});
	t.equal(flow.request.url, "https://example.com/a?b=1");
	t.equal(flow.response?.text, "hello");
	const jar = new CookieJar();
	const from = { scheme, host, port, path: "/" };
	jar.store("a=b", from, 0);
	t.equal(jar.cookiesFor(from, 1), "a=b");
});
