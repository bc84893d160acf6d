// Translates a filter's plan into a SQL condition for the rows that may match, exactly or with others.
import type { Column, Filter, Plan } from "../filter/filter.ts";
import { fromStored } from "./record/text.ts";

/** A condition with its parameters. */
export interface Condition {
	readonly sql: string;
	readonly parameters: readonly (string | number)[];
	/** Whether the condition selects exactly the matching rows; if not, it selects a superset. */
	readonly exact: boolean;
	/** Whether the condition can exclude rows. */
	readonly narrows: boolean;
}

/** The distinct stored values of a column, null included, among the rows that meet a condition. */
export type DistinctValues = (column: Column, among: Condition) => (string | number | null)[];

/** Columns with few distinct values even on a long tape, so that testing each value is cheap. */
const FEW_VALUES: ReadonlySet<Column> = new Set([
	"kind",
	"method",
	"scheme",
	"host",
	"pretty_host",
	"port",
	"status",
	"is_replay",
	"marked",
	"has_error",
	"has_websocket",
]);

/** Maximum number of values in an IN list; a longer one would slow the query down. */
const LIST_LIMIT = 500;

const all: Condition = { sql: "1", parameters: [], exact: true, narrows: false };
const none: Condition = { sql: "0", parameters: [], exact: true, narrows: true };
const unknown: Condition = { ...all, exact: false };

/** A condition for the rows that a filter may match, limited to the given ids and to numbers above `after`. */
export function selectRows(
	filter: Filter | undefined,
	ids: readonly string[] | undefined,
	distinct: DistinctValues,
	after = 0,
): Condition {
	const limits: Condition[] = [];
	if (after > 0) limits.push(condition("seq > ?", after));
	if (ids !== undefined) limits.push(condition("id IN (SELECT value FROM json_each(?))", JSON.stringify(ids)));
	const among = limits.length === 0 ? all : join(limits, "AND");
	const matching = filter === undefined ? all : translate(filter.plan, distinct, false, among);
	return limits.length === 0 ? matching : join([among, matching], "AND");
}

function condition(sql: string, ...parameters: (string | number)[]): Condition {
	return { sql, parameters, exact: true, narrows: true };
}

/**
 * A condition for the rows that may match the plan or, with `negated`, may not match it. It must never exclude such a
 * row.
 * @param among the rows to consider; other conditions exclude the rest
 */
function translate(plan: Plan, distinct: DistinctValues, negated: boolean, among: Condition): Condition {
	switch (plan.kind) {
		case "all":
			return negated ? none : all;
		case "none":
			return negated ? all : none;
		case "unknown":
		case "body":
		case "url":
			return unknown;
		case "not":
			return translate(plan.of, distinct, !negated, among);
		case "and":
		case "or":
			return (plan.kind === "and") !== negated
				? conjunction(plan.of, distinct, negated, among)
				: join(
						plan.of.map((part) => translate(part, distinct, negated, among)),
						"OR",
					);
		case "equals":
			return condition(negated ? `${plan.column} IS NOT ?` : `${plan.column} = ?`, plan.value);
		case "test":
			return testColumn(plan.column, plan.test, distinct, negated, among);
	}
}

/** The `equals` parts, which an index answers, come first, so that the other columns are tested on fewer rows. */
function conjunction(parts: readonly Plan[], distinct: DistinctValues, negated: boolean, among: Condition): Condition {
	const translateParts = (isIndexed: boolean, rows: Condition) =>
		parts
			.filter((part) => (part.kind === "equals") === isIndexed)
			.map((part) => translate(part, distinct, negated, rows));
	const indexed = translateParts(true, among);
	return join([...indexed, ...translateParts(false, join([among, ...indexed], "AND"))], "AND");
}

function join(parts: readonly Condition[], operator: "AND" | "OR"): Condition {
	const [neutral, decisive] = operator === "AND" ? [all, none] : [none, all];
	if (parts.some((part) => part === decisive)) return decisive;
	const exact = parts.every((part) => part.exact);
	if (operator === "OR" && parts.includes(unknown)) return unknown;
	const selective = parts.filter((part) => part.sql !== neutral.sql);
	if (selective.length === 0) return exact ? neutral : unknown;
	return {
		sql:
			selective.length === 1
				? (selective[0] as Condition).sql
				: `(${selective.map((part) => part.sql).join(` ${operator} `)})`,
		parameters: selective.flatMap((part) => part.parameters),
		exact,
		narrows: true,
	};
}

function testColumn(
	column: Column,
	test: (value: string | number | null) => boolean,
	distinct: DistinctValues,
	negated: boolean,
	among: Condition,
): Condition {
	if (!FEW_VALUES.has(column)) return unknown;
	const passing = distinct(column, among).filter(
		(value) => test(typeof value === "string" ? fromStored(value) : value) !== negated,
	);
	if (passing.length === 0) return none;
	if (passing.length > LIST_LIMIT) return unknown;
	const listed = passing.filter((value) => value !== null);
	const list = `${column} IN (${listed.map(() => "?").join(", ")})`;
	return condition(listed.length < passing.length ? `(${list} OR ${column} IS NULL)` : list, ...listed);
}
