// Evaluates the query plan of a filter for one flow, using its columns and, optionally, its bodies.
import type { Column, Plan } from "./filter.ts";

/** Returns the value of a column for the flow. */
export type ColumnOf = (column: Column) => string | number | null;

/** The request or the response. */
export type Side = Extract<Plan, { kind: "body" }>["side"];

/** Returns the decoded bytes of a body; null: missing; undefined: not known. */
export type BodyOf = (side: Side) => Buffer | null | undefined;

/** Whether the flow matches; null: columns and bodies cannot decide this. They are read only as needed. */
export function decide(plan: Plan, columnOf: ColumnOf, bodyOf: BodyOf = unknownBody): boolean | null {
	switch (plan.kind) {
		case "all":
			return true;
		case "none":
			return false;
		case "unknown":
			return null;
		case "not": {
			const decided = decide(plan.of, columnOf, bodyOf);
			return decided === null ? null : !decided;
		}
		case "and":
			return decideAll(plan.of, false, columnOf, bodyOf);
		case "or":
			return decideAll(plan.of, true, columnOf, bodyOf);
		case "equals":
			return columnOf(plan.column) === plan.value;
		case "test":
			return plan.test(columnOf(plan.column));
		case "body": {
			const bytes = bodyOf(plan.side);
			return bytes === undefined ? null : bytes !== null && plan.test(bytes);
		}
	}
}

const unknownBody: BodyOf = () => undefined;

/** The columns and bodies that a plan depends on. */
export function dependenciesOf(plan: Plan): { columns: Set<Column>; sides: Set<Side> } {
	const columns = new Set<Column>();
	const sides = new Set<Side>();
	const visit = (part: Plan): void => {
		if (part.kind === "not") visit(part.of);
		else if (part.kind === "and" || part.kind === "or") part.of.forEach(visit);
		else if (part.kind === "body") sides.add(part.side);
		else if (part.kind === "equals" || part.kind === "test") columns.add(part.column);
	};
	visit(plan);
	return { columns, sides };
}

/**
 * Evaluates a conjunction (`decisive` is false) or a disjunction (`decisive` is true). A part whose result is
 * `decisive` decides it; otherwise it is undecided if any part is.
 */
function decideAll(parts: readonly Plan[], decisive: boolean, columnOf: ColumnOf, bodyOf: BodyOf): boolean | null {
	let isUndecided = false;
	for (const part of parts) {
		const decided = decide(part, columnOf, bodyOf);
		if (decided === decisive) return decisive;
		isUndecided ||= decided === null;
	}
	return isUndecided ? null : !decisive;
}
