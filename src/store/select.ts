// What a filter's plan becomes in SQL: the rows that may match, and whether that is already the answer.
import type { Column, Filter, Plan } from "../filter/filter.ts";
import { fromStored } from "./record/text.ts";

/** A condition with its parameters. */
export interface Condition {
	readonly sql: string;
	readonly parameters: readonly (string | number)[];
	/** The rows are those that match; else a superset of them. */
	readonly exact: boolean;
	/** Not every row is among them. */
	readonly narrows: boolean;
}

/** The distinct values of a column as they are stored, null included, among the rows that meet a condition. */
export type DistinctValues = (column: Column, among: Condition) => (string | number | null)[];

/** Columns whose values are few however long the tape, so that a test of each value costs nothing. */
const FEW_VALUES: ReadonlySet<Column> = new Set([
	...(["kind", "method", "scheme", "host", "pretty_host", "port", "status", "is_replay", "marked", "has_error", "has_websocket"] as const),
]);

/** More values than this in a list would slow the query down. */
const LIST_LIMIT = 500;

const all: Condition = { sql: "1", parameters: [], exact: true, narrows: false };
const none: Condition = { sql: "0", parameters: [], exact: true, narrows: true };
const unknown: Condition = { ...all, exact: false };

/** The rows that a filter may match, among those with one of these ids. */
export function selectRows(filter: Filter | undefined, ids: readonly string[] | undefined, distinct: DistinctValues): Condition {
	const matching = filter === undefined ? all : translate(filter.plan, distinct, false, all);
	return ids === undefined ? matching : join([condition("id IN (SELECT value FROM json_each(?))", JSON.stringify(ids)), matching], "AND");
}

function condition(sql: string, ...parameters: (string | number)[]): Condition {
	return { sql, parameters, exact: true, narrows: true };
}

/**
 * With `negated`, the rows that may fail the plan: a superset of either side is what must come out, never a subset.
 * @param among the rows that count, because others are ruled out elsewhere
 */
function translate(plan: Plan, distinct: DistinctValues, negated: boolean, among: Condition): Condition {
	switch (plan.kind) {
		case "all":
			return negated ? none : all;
		case "none":
			return negated ? all : none;
		case "unknown":
		case "body":
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

/** What an index tells at once narrows what the others are asked of. */
function conjunction(parts: readonly Plan[], distinct: DistinctValues, negated: boolean, among: Condition): Condition {
	const at = (isQuick: boolean, of: Condition) =>
		parts.filter((part) => (part.kind === "equals") === isQuick).map((part) => translate(part, distinct, negated, of));
	const quick = at(true, among);
	return join([...quick, ...at(false, join([among, ...quick], "AND"))], "AND");
}

function join(parts: readonly Condition[], operator: "AND" | "OR"): Condition {
	const [neutral, decisive] = operator === "AND" ? [all, none] : [none, all];
	if (parts.some((part) => part === decisive)) return decisive;
	const exact = parts.every((part) => part.exact);
	if (operator === "OR" && parts.includes(unknown)) return unknown;
	const telling = parts.filter((part) => part.sql !== neutral.sql);
	if (telling.length === 0) return exact ? neutral : unknown;
	return {
		sql: telling.length === 1 ? (telling[0] as Condition).sql : `(${telling.map((part) => part.sql).join(` ${operator} `)})`,
		parameters: telling.flatMap((part) => part.parameters),
		exact,
		narrows: true,
	};
}

function testColumn(column: Column, test: (value: string | number | null) => boolean, distinct: DistinctValues, negated: boolean, among: Condition): Condition {
	if (!FEW_VALUES.has(column)) return unknown;
	const passing = distinct(column, among).filter((value) => test(typeof value === "string" ? fromStored(value) : value) !== negated);
	if (passing.length === 0) return none;
	if (passing.length > LIST_LIMIT) return unknown;
	const listed = passing.filter((value) => value !== null);
	const list = `${column} IN (${listed.map(() => "?").join(", ")})`;
	return condition(listed.length < passing.length ? `(${list} OR ${column} IS NULL)` : list, ...listed);
}
