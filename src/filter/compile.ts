// Compiles filter expressions. A compiled expression combines the tests, the query plans and the needed flow parts of
// its terms.
import { FlowtapeError } from "../errors.ts";
import type { Filter, FlowPart, Plan } from "./filter.ts";
import { type Expression, parseFilter } from "./parse.ts";
import { type FilterOperator, filterOperators, numberRange, regexFor, type Term } from "./terms.ts";

/** Options for compiling an expression. */
export interface FilterOptions {
	/** Whether patterns are case-sensitive; default false. */
	caseSensitive?: boolean | undefined;
}

/**
 * Compiles a filter expression such as `~u /api/ & !~c 404`.
 * @throws FlowtapeError FT_BAD_FILTER with the column, if the expression is not valid
 */
export function compileFilter(pattern: string, { caseSensitive = false }: FilterOptions = {}): Filter {
	const expression = parseFilter(pattern, (code) => operators.get(code)?.argument);
	const { test, plan, words, needs } = compileNode(expression, { pattern, caseSensitive });
	return { pattern, matches: test, plan, needs: new Set(needs), toString: () => words };
}

const operators: ReadonlyMap<string, FilterOperator> = new Map(
	filterOperators.map((operator) => [operator.code, operator]),
);

interface Compiled extends Term {
	readonly words: string;
	readonly needs: readonly FlowPart[];
}

interface Context {
	readonly pattern: string;
	readonly caseSensitive: boolean;
}

function compileNode(expression: Expression, context: Context): Compiled {
	if (expression.type === "term") return compileTerm(expression, context);
	if (expression.type === "not") {
		const { test, plan, words, needs } = compileNode(expression.of, context);
		return {
			test: (flow) => !test(flow),
			plan: { kind: "not", of: plan },
			words: `not ${inParentheses(expression.of, words)}`,
			needs,
		};
	}
	const parts = expression.of.map((part) => compileNode(part, context));
	const words = parts
		.map((part, i) => inParentheses(expression.of[i] as Expression, part.words))
		.join(` ${expression.type} `);
	// cheap tests run before those that read bodies or messages
	const sorted = parts.toSorted((a, b) => costOf(a) - costOf(b));
	const plan: Plan = { kind: expression.type, of: sorted.map((part) => part.plan) };
	const test = joinTests(
		expression.type,
		sorted.map((part) => part.test),
	);
	return { test, plan, words, needs: parts.flatMap((part) => part.needs) };
}

/** The words of an operand, in parentheses if it has operands of its own that are joined. */
function inParentheses({ type }: Expression, words: string): string {
	return type === "and" || type === "or" ? `(${words})` : words;
}

function joinTests(type: "and" | "or", tests: readonly Term["test"][]): Term["test"] {
	const [first, second, third] = tests;
	if (first !== undefined && second !== undefined && third === undefined)
		return type === "and" ? (flow) => first(flow) && second(flow) : (flow) => first(flow) || second(flow);
	return type === "and" ? (flow) => tests.every((test) => test(flow)) : (flow) => tests.some((test) => test(flow));
}

const COSTS: Readonly<Record<FlowPart, number>> = {
	head: 0,
	connections: 1,
	metadata: 1,
	messages: 2,
	requestBody: 2,
	responseBody: 2,
};

function costOf({ needs }: Compiled): number {
	return Math.max(0, ...needs.map((part) => COSTS[part]));
}

function compileTerm(term: Extract<Expression, { type: "term" }>, context: Context): Compiled {
	const operator = operators.get(term.code) as FilterOperator;
	const { words, needs } = operator;
	switch (operator.argument) {
		case "none":
			return { test: operator.test, plan: operator.plan, words, needs };
		case "number":
			return {
				...operator.make(numberRange(term.argument)),
				words: `${words} ${term.argument.replace(/^0+(?=[0-9])/, "")}`,
				needs,
			};
		case "pattern": {
			const { test, plan } = compilePattern(operator, term, context);
			return {
				test,
				plan,
				words: `${words} /${term.argument}/${context.caseSensitive ? "" : "i"}${operator.flags}`,
				needs,
			};
		}
	}
}

function compilePattern(
	operator: Extract<FilterOperator, { argument: "pattern" }>,
	term: Extract<Expression, { type: "term" }>,
	context: Context,
): Term {
	try {
		return operator.make(regexFor(operator, term.argument, context.caseSensitive));
	} catch (error) {
		if (!FlowtapeError.is(error, "FT_BAD_PATTERN")) throw error;
		const column =
			(error.column === undefined ? undefined : term.columns[error.column - 1]) ?? term.columns.at(-1) ?? term.column;
		throw new FlowtapeError("FT_BAD_FILTER", `filter "${context.pattern}", column ${column}: ${error.message}`, {
			column,
			cause: error,
		});
	}
}
