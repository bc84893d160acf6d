// Query plans, evaluated for one flow.
import t from "tap";
import type { Plan } from "../../../src/filter/filter.ts";
import { decide, dependenciesOf } from "../../../src/filter/plan.ts";

const columns: Record<string, string | number | null> = { status: 404, host: "a", method: null };
const columnOf = (column: string) => columns[column] ?? null;

const yes: Plan = { kind: "all" };
const no: Plan = { kind: "none" };
const open: Plan = { kind: "unknown" };
const and = (...of: Plan[]): Plan => ({ kind: "and", of });
const or = (...of: Plan[]): Plan => ({ kind: "or", of });
const not = (of: Plan): Plan => ({ kind: "not", of });

t.test("every kind of plan", async (t) => {
	for (const [plan, expected] of [
		[yes, true],
		[no, false],
		[open, null],
		[not(yes), false],
		[not(open), null],
		[and(yes, yes), true],
		[and(open, no), false],
		[and(open, yes), null],
		[or(open, yes), true],
		[or(open, no), null],
		[or(no, no), false],
		[and(), true],
		[or(), false],
		[{ kind: "equals", column: "status", value: 404 }, true],
		[{ kind: "equals", column: "method", value: "GET" }, false],
		[{ kind: "test", column: "method", test: (value: unknown) => value === null }, true],
		[{ kind: "test", column: "host", test: (value: unknown) => value === "b" }, false],
	] as const)
		t.equal(decide(plan as Plan, { columnOf }), expected, JSON.stringify(plan));
});

t.test("columns are read only as needed", async (t) => {
	const asked: string[] = [];
	const plan = and({ kind: "equals", column: "status", value: 500 }, { kind: "equals", column: "host", value: "a" });
	decide(plan, {
		columnOf(column) {
			asked.push(column);
			return columnOf(column);
		},
	});
	t.same(asked, ["status"]);
});

t.test("bodies that are known", async (t) => {
	const body = (side: "request" | "response"): Plan => ({ kind: "body", side, test: (bytes) => bytes.includes("x") });
	const bodies = { request: Buffer.from("x"), response: null };
	const bodyOf = (side: "request" | "response") => bodies[side];
	t.equal(decide(body("request"), { columnOf }), null);
	t.equal(decide(body("request"), { columnOf, bodyOf }), true);
	t.equal(decide(body("response"), { columnOf, bodyOf }), false, "a missing body does not match");
	t.equal(decide(not(body("response")), { columnOf, bodyOf }), true);
	t.equal(decide(or(body("response"), and(body("request"), open)), { columnOf, bodyOf }), null);
	t.equal(decide(body("request"), { columnOf, bodyOf: () => undefined }), null);
});

t.test("the columns and bodies that a plan depends on", async (t) => {
	const plan = and(
		not({ kind: "equals", column: "status", value: 1 }),
		or({ kind: "body", side: "request", test: () => true }, open, { kind: "test", column: "host", test: () => true }),
	);
	t.same(dependenciesOf(plan), { columns: new Set(["status", "host"]), sides: new Set(["request"]), needsUrl: false });
	t.same(dependenciesOf(yes), { columns: new Set(), sides: new Set(), needsUrl: false });
});

t.test("URLs that a flow may have", async (t) => {
	const url: Plan = { kind: "url", test: (text) => text.includes("8080") };
	const decided = (...urls: string[]) => decide(url, { columnOf, urlsOf: () => urls });
	t.equal(decided("http://a:8080/", "http://a:8080/?"), true);
	t.equal(decided("http://a/", "http://a:80/"), false);
	t.equal(decided("http://a/", "http://a:8080/"), null, "they disagree");
	t.equal(decided(), false, "a flow without a URL");
	t.equal(decide(url, { columnOf }), null, "not known");
	t.ok(dependenciesOf(not(url)).needsUrl);
});
