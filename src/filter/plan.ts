// A filter's plan, decided for one flow of which only the columns, and maybe the bodies, are known.
import type { Column, Plan } from "./filter.ts";

/** The value that a store's column has, or would have, for the flow. */
export type ColumnOf = (column: Column) => string | number | null;

/** Which message of a flow. */
export type Side = Extract<Plan, { kind: "body" }>["side"];

/** The bytes of a body, its coding undone; null where it is missing, undefined where it is not known. */
export type BodyOf = (side: Side) => Buffer | null | undefined;

/**
 * Whether the flow matches; null where columns, and bodies where they are given, do not tell. They are asked for only as far as needed.
 */
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

/** What is looked at to decide a plan. */
export function looksAt(plan: Plan): { columns: Set<Column>; sides: Set<Side> } {
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

/** One part that comes out as `decisive` decides them all; else one that is open leaves all open. */
function decideAll(parts: readonly Plan[], decisive: boolean, columnOf: ColumnOf, bodyOf: BodyOf): boolean | null {
	let isOpen = false;
	for (const part of parts) {
		const decided = decide(part, columnOf, bodyOf);
		if (decided === decisive) return decisive;
		isOpen ||= decided === null;
	}
	return isOpen ? null : !decisive;
}
