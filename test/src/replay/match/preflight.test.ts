// CORS preflights.
import t from "tap";
import { httpRequest, httpResponse } from "../../../../fixtures/build-flow.ts";
import { isPreflight, preflightFields } from "../../../../src/replay/match/preflight.ts";

const preflight = (headers: [string, string][]) => httpRequest({ method: "OPTIONS", headers });

t.test("detects preflight requests", (t) => {
	t.ok(
		isPreflight(
			preflight([
				["Origin", "http://a.test"],
				["Access-Control-Request-Method", "PUT"],
			]),
		),
	);
	t.notOk(isPreflight(preflight([["Origin", "http://a.test"]])));
	t.notOk(
		isPreflight(
			httpRequest({
				headers: [
					["Origin", "http://a.test"],
					["Access-Control-Request-Method", "PUT"],
				],
			}),
		),
	);
	t.end();
});

t.test("the headers of the response", (t) => {
	const request = preflight([
		["Origin", "http://a.test"],
		["Access-Control-Request-Method", "PUT"],
		["Access-Control-Request-Headers", "x-a, content-type"],
		["Access-Control-Request-Private-Network", "true"],
	]);
	const answered = httpResponse({
		headers: [
			["Access-Control-Allow-Origin", "http://old.test"],
			["Access-Control-Allow-Credentials", "true"],
		],
	});
	t.match(Object.fromEntries(preflightFields(request, answered)), {
		"access-control-allow-origin": "http://a.test",
		"access-control-allow-methods": "PUT",
		"access-control-allow-headers": "x-a, content-type",
		"access-control-allow-credentials": "true",
		"access-control-allow-private-network": "true",
	});
	t.match(preflightFields(request, httpResponse({ headers: [["Access-Control-Allow-Origin", "*"]] }))[0], [
		"access-control-allow-origin",
		"*",
	]);
	t.end();
});
