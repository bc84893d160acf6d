// Fields that vary between two recordings of the same scenario.
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { learn } from "../../../../src/replay/explain/learn.ts";

type Request = NonNullable<NonNullable<Parameters<typeof httpFlow>[0]>["request"]>;

const flows = (...requests: Request[]) => requests.map((request) => httpFlow({ request }));
const json = (value: unknown): Request => ({
	method: "POST",
	path: "/g",
	headers: [["Content-Type", "application/json"]],
	body: JSON.stringify(value),
});
const uuid = (n: number) => `3f2a1b2c-0d1e-4f00-8000-${String(n).padStart(12, "0")}`;

t.test("equal requests have no varying fields, in any order", (t) => {
	const lesson = learn(
		flows({ path: "/a" }, { path: "/b" }, { path: "/a" }),
		flows({ path: "/b" }, { path: "/a" }, { path: "/a" }),
	);
	t.same(lesson, { compared: 3, equal: 3, alone: [], findings: [] });
	t.end();
});

t.test("varying fields with the kind of their values", (t) => {
	const lesson = learn(
		flows(
			{ path: `/a?id=${uuid(1)}&page=1` },
			json({ at: 1_700_000_000, items: [{ id: uuid(1) }, { id: uuid(2) }], n: 1 }),
		),
		flows(
			{ path: `/a?id=${uuid(5)}&page=1` },
			json({ at: 1_700_000_500, items: [{ id: uuid(3) }, { id: uuid(4) }], n: 2 }),
		),
	);
	t.match(lesson, { compared: 2, equal: 0, alone: [] });
	t.match(
		lesson.findings.map(({ part, name, kind, differing, option }) => ({
			part,
			name,
			kind,
			differing,
			value: option?.value,
		})),
		[
			{ part: "query", name: "id", kind: "UUID", differing: 1, value: "id" },
			{ part: "json", name: "/at", kind: "time in seconds", differing: 1, value: "/at" },
			{ part: "json", name: "/items/*/id", kind: "UUID", differing: 1, value: "/items/*/id" },
			{ part: "json", name: "/n", kind: null, differing: 1, value: "/n" },
		],
	);
	t.end();
});

t.test("requests to one URL are paired by similarity", (t) => {
	const operation = (name: string, n: number) => json({ operation: name, variables: { [name]: name }, nonce: uuid(n) });
	const lesson = learn(
		flows(operation("users", 1), operation("orders", 2)),
		flows(operation("orders", 3), operation("users", 4)),
	);
	t.match(lesson.findings, [{ name: "/nonce", kind: "UUID", differing: 2 }]);
	t.equal(lesson.findings.length, 1);
	t.end();
});

t.test("a field that varies on purpose in one pair is not noise", (t) => {
	const lesson = learn(
		flows({ path: `/a?q=${uuid(1)}` }, { path: "/b?q=1" }),
		flows({ path: `/a?q=${uuid(2)}` }, { path: "/b?q=2" }),
	);
	t.match(lesson.findings, [{ name: "q", kind: null, differing: 2 }]);
	t.end();
});

t.test("order, notation and free ports can vary; a value missing on one side is intended", (t) => {
	const lesson = learn(
		flows({ path: "/a?x=1&y=2", port: 40_001 }, { path: "/c" }, { ...json({ a: 1, b: 2 }) }),
		flows({ path: "/a?y=2&x=1", port: 40_002 }, { path: "/c?new=1" }, { ...json(1), body: '{"b":2,"a":1}' }),
	);
	t.match(
		lesson.findings.map(({ part, kind, option }) => [part, kind, option?.name]),
		[
			["port", "free port", "server_replay_ignore_port"],
			["query order", "written differently", "server_replay_ignore_param_order"],
			["query", null, "server_replay_ignore_params"],
			["notation", "written differently", "server_replay_match_content"],
		],
	);
	t.end();
});

t.test("requests without a counterpart are listed", (t) => {
	const lesson = learn(
		flows({ path: "/a" }, { path: "/a" }, { path: "/gone" }),
		flows({ path: "/a" }, { path: "/new" }),
	);
	t.same(
		lesson.alone.map(({ url }) => url),
		["http://example.com/a", "http://example.com/gone", "http://example.com/new"],
	);
	t.end();
});

t.test("many requests to one URL are paired in order", (t) => {
	const many = (offset: number) => Array.from({ length: 200 }, (_, i) => json({ i, id: uuid(i + offset) }));
	const lesson = learn(flows(...many(0)), flows(...many(1000)));
	t.match(lesson.findings, [{ name: "/id", kind: "UUID", differing: 200 }]);
	t.equal(lesson.findings.length, 1);
	t.end();
});
