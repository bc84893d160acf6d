// The matching options, and which requests are equal by them.
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { requestKeyFor } from "../../../../src/replay/match/key.ts";
import { isDefault, type MatchExtras, type MatchValues, profileOf } from "../../../../src/replay/match/rules.ts";

type RequestParts = NonNullable<NonNullable<Parameters<typeof httpFlow>[0]>["request"]>;

const json = (body: string): RequestParts => ({
	method: "POST",
	headers: [["Content-Type", "application/json"]],
	body,
});
const form = (body: string): RequestParts => ({
	method: "POST",
	headers: [["Content-Type", "application/x-www-form-urlencoded"]],
	body,
});
const query = (path: string): RequestParts => ({ path });
const header = (...headers: [string, string][]): RequestParts => ({ headers });
const multipart = (boundary: string): RequestParts => ({
	method: "POST",
	headers: [["Content-Type", `multipart/form-data; boundary=${boundary}`]],
	body: `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--${boundary}--\r\n`,
});

const cases: [
	what: string,
	values: MatchValues,
	same: [RequestParts, RequestParts],
	different: [RequestParts, RequestParts],
][] = [
	[
		"parameters by pattern",
		{ server_replay_ignore_params: ["utm_*", "t"] },
		[query("/?a=1&utm_source=x&t=1"), query("/?a=1&utm_medium=y")],
		[query("/?a=1"), query("/?a=2")],
	],
	[
		"the order of parameters",
		{ server_replay_ignore_param_order: true },
		[query("/?a=1&b=2&a=0"), query("/?b=2&a=0&a=1")],
		[query("/?a=1&b=2"), query("/?a=2&b=1")],
	],
	[
		"values of JSON bodies",
		{ server_replay_ignore_json: ["/meta/ts", "$.items[*].id"] },
		[json('{"meta":{"ts":1},"items":[{"id":1,"n":1}]}'), json('{ "items":[{"n":1.0,"id":"x"}], "meta":{"ts":[2]} }')],
		[json('{"meta":{"ts":1},"n":1}'), json('{"meta":{"ts":1},"n":2}')],
	],
	[
		"large numbers keep all their digits",
		{ server_replay_match_content: "meaning" },
		[json('{"a":1e1}'), json('{"a":10}')],
		[json("9007199254740993"), json("9007199254740992")],
	],
	[
		"the order in arrays counts",
		{ server_replay_match_content: "meaning" },
		[json('{"a":1,"b":[1,2]}'), json('{"b":[1,2],"a":1}')],
		[json("[1,2]"), json("[2,1]")],
	],
	[
		"an object is not an array",
		{ server_replay_match_content: "meaning" },
		[json("{ }"), json("{}")],
		[json("{}"), json("[]")],
	],
	[
		"boundaries of forms",
		{ server_replay_match_content: "meaning" },
		[multipart("one"), multipart("another")],
		[multipart("one"), form("a=1")],
	],
	[
		"escapes of forms",
		{ server_replay_match_content: "meaning" },
		[form("a=%31+2"), form("a=1%202")],
		[form("a=1&b=2"), form("b=2&a=1")],
	],
	[
		"form fields by pattern",
		{ server_replay_ignore_payload_params: ["csrf*"] },
		[form("a=1&csrf_x=1"), form("a=1")],
		[form("a=1"), form("a=2")],
	],
	[
		"parts of bodies",
		{ server_replay_ignore_body: ["\\d+"] },
		[json("at 17:05"), json("at 9:1")],
		[json("at 17:05"), json("in 17:05")],
	],
	[
		"headers by pattern",
		{ server_replay_use_headers: ["x-*", "accept"], server_replay_ignore_headers: ["x-trace-*"] },
		[header(["X-A", "1"], ["x-trace-id", "1"], ["Host", "example.com"]), header(["x-a", "1"], ["Content-Length", "0"])],
		[header(["X-A", "1"]), header(["X-A", "1"], ["X-B", ""])],
	],
	[
		"every header but those of the transport",
		{ server_replay_use_headers: ["*"] },
		[header(["Connection", "close"], ["A", "1"]), header(["A", "1"])],
		[header(["A", "1"]), header()],
	],
	[
		"cookies",
		{ server_replay_use_headers: ["cookie"], server_replay_ignore_cookies: ["_ga*"] },
		[header(["Cookie", "sid=1; _ga_X=2"]), header(["Cookie", "_ga=1;sid=1"])],
		[header(["Cookie", "sid=1"]), header(["Cookie", "sid=2"])],
	],
	[
		"no cookie but ignored ones",
		{ server_replay_use_headers: ["cookie"], server_replay_ignore_cookies: ["_ga*"] },
		[header(["Cookie", "_ga=1"]), header()],
		[header(["Cookie", "a"]), header()],
	],
	[
		"vcr: neither body nor order of parameters",
		{ server_replay_match_profile: "vcr" },
		[
			{ ...json("1"), path: "/?a&b" },
			{ ...json("2"), path: "/?b&a" },
		],
		[query("/a;x"), query("/a;y")],
	],
	[
		"playwright: the body of a POST only",
		{ server_replay_match_profile: "playwright" },
		[
			{ method: "PUT", body: "1" },
			{ method: "PUT", body: "2" },
		],
		[json("1"), json("2")],
	],
	[
		"wpr: with any query",
		{ server_replay_match_profile: "wpr" },
		[query("/?a=1"), query("/?a=2")],
		[query("/a"), query("/b")],
	],
	[
		"options change the settings of a profile",
		{ server_replay_match_profile: "playwright", server_replay_ignore_content: true },
		[json("1"), json("2")],
		[query("/?a"), query("/?b")],
	],
];

/** Removes digits or nothing; stands in for a compiler of patterns. */
const extras: MatchExtras = { compileCut: (pattern) => (text) => text.replace(new RegExp(pattern, "g"), "") };

for (const [what, values, same, different] of cases) {
	t.test(what, (t) => {
		const keyOf = requestKeyFor(values, extras);
		const [a, b, c, d] = [...same, ...different].map((request) => keyOf(httpFlow({ request })));
		t.equal(a, b, "the same");
		t.not(c, d, "different");
		t.notOk(isDefault(values));
		t.end();
	});
}

t.test("without options, the key is that of tapes", (t) => {
	t.ok(isDefault({}));
	t.ok(
		isDefault({
			server_replay_ignore_json: [],
			server_replay_ignore_host: false,
			server_replay_match_profile: "mitmproxy",
		}),
	);
	t.equal(profileOf({}).order, "once");
	t.equal(profileOf({ server_replay_match_profile: "wpr" }).order, "first");
	t.end();
});

t.test("an invalid JSON path is an error", (t) => {
	t.throws(() => requestKeyFor({ server_replay_ignore_json: ["user.id"] }), {
		code: "FT_BAD_OPTION",
		option: "server_replay_ignore_json",
	});
	t.end();
});
