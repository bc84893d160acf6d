// SQL conditions never exclude a flow that matches the filter.
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import { httpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { flowsOf, storeAt, storeWith } from "../../../fixtures/stores.ts";
import { variedFlows } from "../../../fixtures/varied-flows.ts";
import { compileFilter } from "../../../src/filter/compile.ts";
import type { Column, Filter, Plan } from "../../../src/filter/filter.ts";
import type { Flow } from "../../../src/flow/flow.ts";
import { selectRows } from "../../../src/store/select.ts";

/** Flows with many combinations of kind, host, method, status, marker and replay. */
function manyFlows(): Flow[] {
	const hosts = ["example.com", "api.example.com", "xn--mnchen-3ya.example", "LOCALHOST", "::1"];
	const flows = variedFlows();
	for (let n = 0; n < 60; n++) {
		const host = hosts[n % 5] as string;
		const build = n % 11 === 3 ? websocketFlow : httpFlow;
		const flow = build({
			request: {
				method: ["GET", "post", "P\xc3\xa9"][n % 3] as string,
				scheme: n % 4 ? "https" : "http",
				host,
				path: `/${n}?q=${n % 7}`,
				headers: n % 6 ? [["Host", n % 5 ? host : `named-${n}.example`]] : [],
				...(n % 13 === 5 && { httpVersion: "HTTP/2.0", authority: "xn--bcher-kva.example" }),
			},
			marked: ["", ":star:", "x"][n % 3] as string,
			isReplay: ([null, "request", "response"] as const)[n % 3] ?? null,
			...(n % 8 === 1 && { error: { message: "reset", timestamp: 1 } }),
		});
		if (n % 7 === 2) flow.response = null;
		else if (flow.response !== null) flow.response.statusCode = [200, 404, 500][n % 3] as number;
		flows.push(flow);
	}
	return flows;
}

const PLAIN = "all http websocket tcp udp dns q s e marked replay replayq replays a"
	.split(" ")
	.map((code) => `~${code}`);
const PATTERNS = [
	"example",
	"^api",
	"m.nchen",
	"b.cher",
	"xn--",
	"named",
	"GET",
	"p",
	"star",
	"^$",
	"text",
	"hello",
	"127",
	"443",
	"q=3",
	"(?-i:LOCAL)",
	".",
];
const term = fc.oneof(
	fc.constantFrom(...PLAIN),
	fc.constantFrom("200", "404", "500", "999").map((code) => `~c ${code}`),
	fc
		.tuple(
			fc.constantFrom(..."u d m src dst h hq hs t tq ts b bq bs marker comment meta".split(" ")),
			fc.constantFrom(...PATTERNS),
		)
		.map(([code, pattern]) => `~${code} "${pattern}"`),
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
	expression: fc.oneof(
		{ maxDepth: 3 },
		term,
		fc.tuple(tie("expression"), tie("expression")).map(([one, other]) => `(${one} & ${other})`),
		fc.tuple(tie("expression"), tie("expression")).map(([one, other]) => `(${one} | ${other})`),
		tie("expression").map((one) => `!${one}`),
	),
}));

t.test("a store selects the flows that match the filter", async (t) => {
	const path = join(t.testdir(), "many.tape");
	const flows = manyFlows();
	await storeWith(path, flows);
	const store = storeAt(path, "read");
	await fc.assert(
		fc.asyncProperty(expression, async (text) => {
			const filter = compileFilter(text);
			const wanted = flows.filter((flow) => filter.matches(flow)).map(({ id }) => id);
			const found = (await flowsOf(store, { filter })).map(({ id }) => id);
			t.strictSame(found, wanted, text, { diagnostic: false });
			return found.join() === wanted.join() && (await store.count(filter)) === wanted.length;
		}),
		{ seed: 1911, numRuns: 400 },
	);
	await store.close();
});

const withPlan = (plan: Plan): Filter => ({
	pattern: "",
	matches: () => true,
	plan,
	needs: new Set(),
	toString: () => "",
});
const select = (plan: Plan, values: (string | number | null)[] = []) =>
	selectRows(withPlan(plan), undefined, () => values);
const equals: Plan = { kind: "equals", column: "status", value: 500 };
const unknown: Plan = { kind: "unknown" };

t.test("exact, narrowing and useless conditions", async (t) => {
	t.match(select({ kind: "all" }), { exact: true, narrows: false });
	t.match(select({ kind: "none" }), { sql: "0", exact: true, narrows: true });
	t.match(select({ kind: "not", of: { kind: "none" } }), { exact: true, narrows: false });
	t.match(select({ kind: "not", of: { kind: "all" } }), { sql: "0", exact: true });
	t.match(select(unknown), { exact: false, narrows: false });
	t.match(select({ kind: "and", of: [equals, unknown] }), {
		sql: "status = ?",
		parameters: [500],
		exact: false,
		narrows: true,
	});
	t.match(select({ kind: "or", of: [equals, unknown] }), { exact: false, narrows: false });
	t.match(select({ kind: "or", of: [equals, { kind: "all" }] }), { exact: true, narrows: false });
	t.match(select({ kind: "and", of: [equals, { kind: "none" }] }), { sql: "0", exact: true });
	t.match(
		select({ kind: "not", of: { kind: "and", of: [equals, unknown] } }),
		{ exact: false, narrows: false },
		"what fails may be any row",
	);
	t.match(select({ kind: "not", of: { kind: "or", of: [equals, unknown] } }), { sql: "status IS NOT ?", exact: false });
	t.match(select({ kind: "and", of: [unknown, { kind: "all" }] }), { exact: false, narrows: false });
	t.match(select({ kind: "or", of: [equals, { kind: "equals", column: "kind", value: "dns" }] }), {
		sql: "(status = ? OR kind = ?)",
		parameters: [500, "dns"],
	});
});

t.test("a column test runs once for each value", async (t) => {
	const test = (column: Column, passes: (value: string | number | null) => boolean): Plan => ({
		kind: "test",
		column,
		test: passes,
	});
	const hosts = ["a", "b", null];
	t.match(
		select(
			test("host", (value) => value === "b"),
			hosts,
		),
		{ sql: "host IN (?)", parameters: ["b"], exact: true },
	);
	t.match(
		select(
			test("host", (value) => value !== "b"),
			hosts,
		),
		{ sql: "(host IN (?) OR host IS NULL)", parameters: ["a"], exact: true },
	);
	t.match(select({ kind: "not", of: test("host", (value) => value === "b") }, hosts), {
		sql: "(host IN (?) OR host IS NULL)",
		parameters: ["a"],
	});
	t.match(
		select(
			test("host", () => false),
			hosts,
		),
		{ sql: "0" },
	);
	t.match(
		select(
			test("path", () => true),
			hosts,
		),
		{ exact: false, narrows: false },
		"paths are too many to ask about",
	);
	const many = Array.from({ length: 1000 }, (_, i) => `${i}`);
	t.match(
		select(
			test("host", () => true),
			many,
		),
		{ exact: false, narrows: false },
		"and so may hosts be",
	);
});

t.test("ids", async (t) => {
	const { sql, parameters, exact } = selectRows(undefined, ["a", "b"], () => []);
	t.same([sql, parameters, exact], ["id IN (SELECT value FROM json_each(?))", ['["a","b"]'], true]);
	t.match(
		selectRows(undefined, undefined, () => []),
		{ exact: true, narrows: false },
	);
	t.match(
		selectRows(withPlan(unknown), ["a"], () => []),
		{ exact: false, narrows: true },
	);
});
