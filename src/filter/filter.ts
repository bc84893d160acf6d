// The types of a compiled filter: a test on flows, a query plan for stores, and the parts of a flow that it reads.
import type { Flow } from "../flow/flow.ts";

/**
 * The columns that a store keeps for each flow. Values are those of `encodeFlow` in src/store, except that text is not
 * escaped.
 */
export type Column =
	| "kind"
	| "method"
	| "scheme"
	| "host"
	| "pretty_host"
	| "port"
	| "path"
	| "status"
	| "is_replay"
	| "marked"
	| "has_error"
	| "has_websocket";

/**
 * The part of a filter that a store can decide from the columns of a flow and, for `body`, from its bodies. A store
 * that can decide all parts selects exactly the matching rows. Otherwise it selects a superset, and each of these flows
 * must be tested with the filter.
 */
export type Plan =
	| { readonly kind: "all" }
	| { readonly kind: "none" }
	| { readonly kind: "unknown" }
	| { readonly kind: "and" | "or"; readonly of: readonly Plan[] }
	| { readonly kind: "not"; readonly of: Plan }
	/** The column equals a value. A column that is null equals no value. */
	| { readonly kind: "equals"; readonly column: Column; readonly value: string | number }
	/**
	 * The column passes a test. The test depends only on the column, and runs once for each distinct value, including
	 * null.
	 */
	| { readonly kind: "test"; readonly column: Column; readonly test: (value: string | number | null) => boolean }
	/**
	 * The decoded body of an HTTP message passes a test; a missing body does not. Undecided if the flow has other kinds
	 * of messages.
	 */
	| { readonly kind: "body"; readonly side: "request" | "response"; readonly test: (bytes: Buffer) => boolean }
	/** The URL passes a test; a flow without a URL does not. */
	| { readonly kind: "url"; readonly test: (url: string) => boolean };

/** Parts of a flow that are read separately. */
export type FlowPart = "head" | "requestBody" | "responseBody" | "messages" | "connections" | "metadata";

/** A compiled filter expression. */
export interface Filter {
	/** The expression as written. */
	readonly pattern: string;
	/** Whether a flow matches. */
	matches(flow: Flow): boolean;
	/** The part that a store can decide without decoding flows. */
	readonly plan: Plan;
	/** The parts of a flow that the filter reads. */
	readonly needs: ReadonlySet<FlowPart>;
	/** The filter in words: `url matches /x/i and not response code is 404`. */
	toString(): string;
}
