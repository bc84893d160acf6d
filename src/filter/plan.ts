// Evaluates the query plan of a filter for one flow, using its columns and, optionally, its bodies.
import type { Column, Plan } from "./filter.ts";

/** Returns the value of a column for the flow. */
export type ColumnOf = (column: Column) => string | number | null;

/** The request or the response. */
export type Side = Extract<Plan, { kind: "body" }>["side"];

/** Returns the decoded bytes of a body; null: missing; undefined: not known. */
export type BodyOf = (side: Side) => Buffer | null | undefined;

/** Returns the URLs that the flow may have; none for a flow without a URL; undefined: not known. */
export type UrlsOf = () => readonly string[] | undefined;

/** The parts of a flow that are known before it is decoded. Each is read only as needed. */
export interface KnownParts {
	readonly columnOf: ColumnOf;
	readonly bodyOf?: BodyOf;
	readonly urlsOf?: UrlsOf;
}

/** Whether the flow matches; null: its known parts cannot decide this. */
export function decide(plan: Plan, known: KnownParts): boolean | null {
	switch (plan.kind) {
		case "all":
			return true;
		case "none":
			return false;
		case "unknown":
			return null;
		case "not": {
			const decided = decide(plan.of, known);
			return decided === null ? null : !decided;
		}
		case "and":
			return decideAll(plan.of, false, known);
		case "or":
			return decideAll(plan.of, true, known);
		case "equals":
			return known.columnOf(plan.column) === plan.value;
		case "test":
			return plan.test(known.columnOf(plan.column));
		case "body": {
			const bytes = known.bodyOf?.(plan.side);
			return bytes === undefined ? null : bytes !== null && plan.test(bytes);
		}
		case "url": {
			const urls = known.urlsOf?.();
			if (urls === undefined) return null;
			const passing = urls.filter(plan.test).length;
			return passing === 0 ? false : passing === urls.length ? true : null;
		}
	}
}

/** The columns, bodies and URL that a plan depends on. */
export function dependenciesOf(plan: Plan): { columns: Set<Column>; sides: Set<Side>; needsUrl: boolean } {
	const columns = new Set<Column>();
	const sides = new Set<Side>();
	let needsUrl = false;
	const visit = (part: Plan): void => {
		if (part.kind === "not") visit(part.of);
		else if (part.kind === "and" || part.kind === "or") part.of.forEach(visit);
		else if (part.kind === "body") sides.add(part.side);
		else if (part.kind === "url") needsUrl = true;
		else if (part.kind === "equals" || part.kind === "test") columns.add(part.column);
	};
	visit(plan);
	return { columns, sides, needsUrl };
}

/**
 * Evaluates a conjunction (`decisive` is false) or a disjunction (`decisive` is true). A part whose result is
 * `decisive` decides it; otherwise it is undecided if any part is.
 */
function decideAll(parts: readonly Plan[], decisive: boolean, known: KnownParts): boolean | null {
	let isUndecided = false;
	for (const part of parts) {
		const decided = decide(part, known);
		if (decided === decisive) return decisive;
		isUndecided ||= decided === null;
	}
	return isUndecided ? null : !decisive;
}
