// Which requests of a Playwright test pass to their server.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { passesOf } from "../../../integrations/playwright/passthrough.ts";

const flow = (host: string, port: number, method = "GET") =>
	httpFlow({ request: { host, port, method, headers: [["Host", host]] } });

t.test("hosts, hosts with a port, and filters", (t) => {
	const passes = passesOf({ passthrough: ["fonts.example", "localhost:9200", "~m DELETE & ~d a.example"] }, null);
	t.ok([flow("fonts.example", 443), flow("fonts.example", 80), flow("localhost", 9200)].every(passes));
	t.ok(passes(flow("a.example", 80, "DELETE")));
	t.notOk([flow("localhost", 9201), flow("a.example", 80), flow("b.fonts.example", 443)].some(passes));
	t.throws(() => passesOf({ passthrough: ["~d ("] }, null), { code: "FT_BAD_FILTER" });
	t.end();
});

t.test("the server under test passes", (t) => {
	for (const [baseURL, host, port] of [
		["http://localhost:3000/shop/", "localhost", 3000],
		["https://Shop.example", "shop.example", 443],
		["http://[::1]", "::1", 80],
	] as const) {
		const passes = passesOf({}, baseURL);
		t.ok(passes(flow(host, port)), baseURL);
		t.notOk(passes(flow(host, port + 1)), baseURL);
	}
	t.end();
});
