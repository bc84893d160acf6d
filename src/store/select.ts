// What a filter's plan becomes in SQL: the rows that may match, and whether that is already the answer.
import type { Column, Filter, Plan } from "../filter/filter.ts";

/** A condition with its parameters. `exact`: the rows are those that match; else a superset of them. */
export interface Condition {
	sql: string;
	parameters: (string | number)[];
	exact: boolean;
}

/** The distinct values of a column, null included. */
export type DistinctValues = (column: Column) => (string | number | null)[];

/** Columns whose values are few however long the tape, so that a test of each value costs nothing. */
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

/** More values than this in a list would slow the query down. */
const LIST_LIMIT = 500;

/** The rows that a filter may match. */
export function selectRows(filter: Filter, distinct: DistinctValues): Condition {
	return translate(filter.plan, distinct, false);
}

const everything = (exact: boolean): Condition => ({ sql: "1", parameters: [], exact });

/** With `negated`, the rows that may fail the plan: a superset of either side is what must come out, never a subset. */
function translate(plan: Plan, distinct: DistinctValues, negated: boolean): Condition {
	switch (plan.kind) {
		case "all":
			return negated ? { sql: "0", parameters: [], exact: true } : everything(true);
		case "none":
			return negated ? everything(true) : { sql: "0", parameters: [], exact: true };
		case "unknown":
			return everything(false);
		case "not":
			return translate(plan.of, distinct, !negated);
		case "and":
		case "or":
			return join(
				plan.of.map((part) => translate(part, distinct, negated)),
				(plan.kind === "and") !== negated ? "AND" : "OR",
			);
		case "equals":
			return { sql: negated ? `${plan.column} IS NOT ?` : `${plan.column} = ?`, parameters: [plan.value], exact: true };
		case "test":
			return testColumn(plan.column, plan.test, distinct, negated);
	}
}

function join(parts: readonly Condition[], operator: "AND" | "OR"): Condition {
	return {
		sql: `(${parts.map((part) => part.sql).join(` ${operator} `)})`,
		parameters: parts.flatMap((part) => part.parameters),
		exact: parts.every((part) => part.exact),
	};
}

function testColumn(column: Column, test: (value: string | number | null) => boolean, distinct: DistinctValues, negated: boolean): Condition {
	if (!FEW_VALUES.has(column)) return everything(false);
	const passing = distinct(column).filter((value) => test(value) !== negated);
	if (passing.length > LIST_LIMIT) return everything(false);
	const values = passing.filter((value) => value !== null);
	const list = `${column} IN (${values.map(() => "?").join(", ")})`;
	return { sql: values.length < passing.length ? `(${list} OR ${column} IS NULL)` : list, parameters: values, exact: true };
}
