// The matching rules in words.
import t from "tap";
import { compileRules, type MatchValues } from "../../../../src/replay/match/rules.ts";
import { orderText, rulesText } from "../../../../src/replay/match/rules-text.ts";

const cases: [values: MatchValues, text: string][] = [
	[{}, "method, scheme, host, port, path, query in order, body by bytes"],
	[
		{ server_replay_ignore_host: true, server_replay_ignore_port: true, server_replay_ignore_content: true },
		"method, scheme, path, query in order",
	],
	[
		{
			server_replay_ignore_params: ["t", "utm_*"],
			server_replay_ignore_param_order: true,
			server_replay_match_content: "meaning",
		},
		"method, scheme, host, port, path, query (without t, utm_*), body by meaning",
	],
	[
		{
			server_replay_use_headers: ["accept", "cookie"],
			server_replay_ignore_cookies: ["sid"],
			server_replay_ignore_payload_params: ["csrf"],
			server_replay_ignore_body: ["\\d+"],
		},
		"method, scheme, host, port, path, query in order, headers accept, cookie (without cookie sid), body by bytes (without form field csrf, matches of \\d+)",
	],
	[{ server_replay_match_profile: "vcr" }, "method, scheme, host, port, path, query"],
	[
		{ server_replay_match_profile: "playwright" },
		"method, scheme, host, port, path, query in order, body of POST requests by meaning; of several, the one with the most equal headers",
	],
	[
		{ server_replay_match_profile: "wpr" },
		"method, scheme, host, port, path; of several, the one with the nearest query",
	],
];

for (const [values, text] of cases) {
	t.test(JSON.stringify(values), (t) => {
		t.equal(rulesText(compileRules(values), values), text);
		t.end();
	});
}

t.test("the order of recordings in words", (t) => {
	t.equal(orderText("once", null), "each recording answers once");
	t.equal(orderText("once", "own-first"), "each recording answers once, those of the session first");
	t.equal(orderText("first", "own-only"), "the first recording always answers, only those of the session");
	t.equal(orderText("once", "any"), orderText("once", null));
	t.equal(new Set((["once", "sequence", "first", "cycle"] as const).map((order) => orderText(order, null))).size, 4);
	t.end();
});
