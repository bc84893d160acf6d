// A filter's plan, decided for one flow of which only the columns are known.
import type { Column, Plan } from "./filter.ts";

/** The value that a store's column has, or would have, for the flow. */
export type ColumnOf = (column: Column) => string | number | null;

/** Whether the flow matches; null where columns alone do not tell. Columns are asked for only as far as needed. */
export function decide(plan: Plan, columnOf: ColumnOf): boolean | null {
	switch (plan.kind) {
		case "all":
			return true;
		case "none":
			return false;
		case "unknown":
			return null;
		case "not": {
			const decided = decide(plan.of, columnOf);
			return decided === null ? null : !decided;
		}
		case "and":
			return decideAll(plan.of, columnOf, false);
		case "or":
			return decideAll(plan.of, columnOf, true);
		case "equals":
			return columnOf(plan.column) === plan.value;
		case "test":
			return plan.test(columnOf(plan.column));
	}
}

/** One part that comes out as `decisive` decides them all; else one that is open leaves all open. */
function decideAll(parts: readonly Plan[], columnOf: ColumnOf, decisive: boolean): boolean | null {
	let isOpen = false;
	for (const part of parts) {
		const decided = decide(part, columnOf);
		if (decided === decisive) return decisive;
		isOpen ||= decided === null;
	}
	return isOpen ? null : !decisive;
}
