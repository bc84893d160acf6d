// Differences between requests, and the options that ignore them.
import fc from "fast-check";
import t from "tap";
import { httpRequest } from "../../../../fixtures/build-flow.ts";
import { large } from "../../../../fixtures/large.ts";
import {
	bodyDifferences,
	headDifferences,
	type ReplayOption,
	type RequestDifference,
} from "../../../../src/replay/explain/differences.ts";
import { requestKey } from "../../../../src/replay/match/key.ts";
import { compileRules, type MatchValues } from "../../../../src/replay/match/rules.ts";

type Parts = NonNullable<Parameters<typeof httpRequest>[0]>;

function differ(recorded: Parts, sent: Parts, values: MatchValues = {}): RequestDifference[] {
	const rules = compileRules(values);
	const [was, is] = [httpRequest(recorded), httpRequest(sent)];
	return [...headDifferences(is, was, rules), ...bodyDifferences(is, was, rules)];
}

const json = (body: string): Parts => ({ method: "POST", headers: [["Content-Type", "application/json"]], body });
const form = (body: string): Parts => ({
	method: "POST",
	headers: [["Content-Type", "application/x-www-form-urlencoded"]],
	body,
});
const multipart = (boundary: string, value: string): Parts => ({
	method: "POST",
	headers: [["Content-Type", `multipart/form-data; boundary=${boundary}`]],
	body: `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n${value}\r\n--${boundary}--\r\n`,
});

const upload = (name: string): Parts => ({
	...multipart("x", "1"),
	body: `--x\r\nContent-Disposition: form-data; name="a"; filename="${name}"\r\n\r\n1\r\n--x--\r\n`,
});

const cases: [
	what: string,
	recorded: Parts,
	sent: Parts,
	values: MatchValues,
	expected: Partial<RequestDifference>[],
][] = [
	[
		"method",
		{ method: "get" },
		{ method: "PUT" },
		{},
		[{ part: "method", recorded: "GET", sent: "PUT", option: null }],
	],
	["nothing", { path: "/a?b=%20", method: "get" }, { path: "/a?b=+", method: "GET" }, {}, []],
	[
		"scheme, host, port",
		{ scheme: "https", host: "A.test" },
		{ host: "b.test" },
		{},
		[
			{ part: "scheme", recorded: "https", sent: "http", option: null },
			{ part: "host", recorded: "a.test", sent: "b.test", option: { name: "server_replay_ignore_host", value: true } },
			{ part: "port", recorded: "443", sent: "80", option: { name: "server_replay_ignore_port", value: true } },
		],
	],
	[
		"path",
		{ path: "/a/b?x" },
		{ path: "/a/c?x" },
		{},
		[{ part: "path", recorded: "/a/b", sent: "/a/c", option: null }],
	],
	[
		"query fields",
		{ path: "/?a=1&b=2&b=3" },
		{ path: "/?b=2&b=4&c" },
		{},
		[
			{ part: "query", name: "a", recorded: "1", sent: null },
			{
				part: "query",
				name: "b",
				recorded: "2, 3",
				sent: "2, 4",
				option: { name: "server_replay_ignore_params", value: "b" },
			},
			{ part: "query", name: "c", recorded: null, sent: "" },
		],
	],
	[
		"query order",
		{ path: "/?a=1&b=2" },
		{ path: "/?b=2&a=1" },
		{},
		[{ part: "query order", recorded: "a, b", sent: "b, a" }],
	],
	["ignored query", { path: "/?a=1" }, { path: "/?a=2" }, { server_replay_ignore_params: ["a"] }, []],
	[
		"headers in use, secrets by their length",
		{
			headers: [
				["X-A", "1"],
				["Authorization", "Basic abc"],
			],
		},
		{ headers: [["Authorization", "Basic xyz1"]] },
		{ server_replay_use_headers: ["x-*", "Authorization"] },
		[
			{
				part: "header",
				name: "x-a",
				recorded: "1",
				sent: null,
				option: { name: "server_replay_ignore_headers", value: "x-a" },
			},
			{ part: "header", name: "authorization", recorded: "(9 characters)", sent: "(10 characters)" },
		],
	],
	[
		"cookies in use",
		{ headers: [["Cookie", "a=1; b=2"]] },
		{ headers: [["Cookie", "b=2; a=12"]] },
		{ server_replay_use_headers: ["cookie"] },
		[
			{
				part: "cookie",
				name: "a",
				recorded: "(1 characters)",
				sent: "(2 characters)",
				option: { name: "server_replay_ignore_cookies", value: "a" },
			},
		],
	],
	[
		"the order of cookies",
		{ headers: [["Cookie", "a=1; b=2"]] },
		{ headers: [["Cookie", "b=2; a=1"]] },
		{ server_replay_use_headers: ["cookie"] },
		[{ part: "header", name: "cookie" }],
	],
	[
		"values of JSON",
		json('{"a":{"b":1},"c":[1]}'),
		json('{"c":[1,2],"a":{"b":"1"}}'),
		{},
		[
			{
				part: "json",
				name: "/a/b",
				recorded: "1",
				sent: '"1"',
				option: { name: "server_replay_ignore_json", value: "/a/b" },
			},
			{ part: "json", name: "/c/1", recorded: null, sent: "2" },
		],
	],
	[
		"JSON that means the same",
		json('{"a":1,"b":2}'),
		json('{ "b":2,"a":1 }'),
		{},
		[{ part: "notation", option: { name: "server_replay_match_content", value: "meaning" } }],
	],
	[
		"form fields",
		form("a=1&b=2"),
		form("a=1&b=3"),
		{},
		[
			{
				part: "form",
				name: "b",
				recorded: "2",
				sent: "3",
				option: { name: "server_replay_ignore_payload_params", value: "b" },
			},
		],
	],
	[
		"the order of form fields",
		form("a=1&b=2"),
		form("b=2&a=1"),
		{},
		[{ part: "body", option: { name: "server_replay_ignore_content", value: true } }],
	],
	["the boundary of a form", multipart("x", "1"), multipart("y", "1"), {}, [{ part: "notation" }]],
	[
		"a field of a multipart form",
		multipart("x", "1"),
		multipart("y", "2"),
		{},
		[{ part: "form", name: "a", recorded: "1", sent: "2" }],
	],
	[
		"long values are cut",
		form(`a=${"x".repeat(5000)}`),
		form("a=1"),
		{},
		[{ part: "form", name: "a", recorded: `${"x".repeat(1000)}…`, sent: "1" }],
	],
	[
		"a body that is nothing known",
		{ body: "abc" },
		{ body: "abcd" },
		{},
		[
			{
				part: "body",
				recorded: "3 bytes",
				sent: "4 bytes",
				option: { name: "server_replay_ignore_content", value: true },
			},
		],
	],
	[
		"a body that was not recorded",
		{ body: null },
		{ body: "" },
		{},
		[{ part: "body", recorded: null, sent: "0 bytes" }],
	],
	[
		"large bodies are not taken apart",
		json(`[${"1,".repeat(200_000)}1]`),
		json(`[${"1,".repeat(200_000)}2]`),
		{},
		[{ part: "body" }],
	],
	...(["bytes", "meaning"] as const).map((how): (typeof cases)[number] => [
		`the name of a file, compared by ${how}`,
		upload("one"),
		upload("two"),
		{ server_replay_match_content: how },
		[{ part: "body", option: { name: "server_replay_ignore_content", value: true } }],
	]),
	[
		"compared by meaning",
		json('{"a":1}'),
		json('{"a":2}'),
		{ server_replay_match_content: "meaning" },
		[{ part: "json", name: "/a" }],
	],
	[
		"fields compared by options",
		form("a=1&b=1"),
		form("a=2&b=2"),
		{ server_replay_ignore_payload_params: ["b"] },
		[{ part: "form", name: "a" }],
	],
	["ignored bodies", { body: "a" }, { body: "b" }, { server_replay_ignore_content: true }, []],
];

for (const [what, recorded, sent, values, expected] of cases) {
	t.test(what, (t) => {
		const found = differ(recorded, sent, values);
		t.equal(found.length, expected.length);
		t.match(found, expected);
		t.end();
	});
}

t.test(
	"there is a difference if and only if the keys differ, and the suggested options make the keys equal",
	large,
	(t) => {
		const word = fc.constantFrom("a", "b", "c*", "");
		const pairs = fc.array(fc.tuple(word, word), { maxLength: 3 });
		const queryText = (list: [string, string][]) => list.map(([name, value]) => `${name}=${value}`).join("&");
		const bodies = fc.oneof(
			fc.record({
				type: fc.constant("application/json"),
				body: fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
			}),
			fc.record({ type: fc.constant("application/x-www-form-urlencoded"), body: pairs.map(queryText) }),
			fc.record({ type: fc.constant("text/plain"), body: word }),
		);
		const parts = fc.record({
			query: pairs.map(queryText),
			cookie: pairs.map((list) => list.map(([name, value]) => `${name}=${value}`).join("; ")),
			content: bodies,
		});
		const build = ({ query, cookie, content }: typeof parts extends fc.Arbitrary<infer T> ? T : never): Parts => ({
			method: "POST",
			path: `/?${query}`,
			body: content.body,
			headers: [
				["Content-Type", content.type],
				["Cookie", cookie],
			],
		});
		const values: MatchValues = { server_replay_use_headers: ["cookie"] };
		fc.assert(
			fc.property(parts, parts, (recorded, sent) => {
				const found = differ(build(recorded), build(sent), values);
				const keyOf = (request: Parts, more: MatchValues) =>
					requestKey(httpRequest(request), compileRules({ ...values, ...more }));
				t.equal(found.length === 0, keyOf(build(recorded), {}) === keyOf(build(sent), {}));
				const more = valuesOf(found.flatMap(({ option }) => option ?? []));
				t.equal(
					keyOf(build(recorded), more),
					keyOf(build(sent), more),
					JSON.stringify([build(recorded), build(sent), more]),
				);
			}),
			{ seed: 4, numRuns: 500 },
		);
		t.end();
	},
);

function valuesOf(options: readonly ReplayOption[]): MatchValues {
	const values: Record<string, unknown> = {};
	for (const { name, value } of options) {
		const isList = value !== true && name !== "server_replay_match_content";
		values[name] = isList ? [...((values[name] as string[] | undefined) ?? []), value] : value;
	}
	return values;
}
