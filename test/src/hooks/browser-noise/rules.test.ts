// Every rule of the table, and the requests that it does not cover.
import t from "tap";
import { httpRequest } from "../../../../fixtures/build-flow.ts";
import { Headers } from "../../../../src/flow/headers.ts";
import { isNoiseHost, noiseRuleFor, noiseRules } from "../../../../src/hooks/browser-noise/rules.ts";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

t.test("each rule answers its own request with its own answer", async (t) => {
	for (const rule of noiseRules) {
		const request = httpRequest({
			host: rule.host ?? "shop.example",
			path: rule.path,
			headers: Headers.of(["User-Agent", FIREFOX]),
		});
		const found = noiseRuleFor(request);
		t.match(found, { host: rule.host, status: rule.status, body: rule.body }, `${rule.host} ${rule.path}`);
	}
});

t.test("hosts that browsers connect to by themselves", async (t) => {
	t.equal(isNoiseHost("Update.GoogleApis.com"), true);
	t.equal(isNoiseHost("shop.example"), false);
	t.equal(isNoiseHost(""), false, "rules for any host name none");
});
