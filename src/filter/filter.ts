// What a compiled filter is: a test on flows, what a store can answer of it by itself, and which parts of a flow it reads.
import type { Flow } from "../flow/flow.ts";

/** The columns that a store keeps beside each flow. Values are as `encodeFlow` in src/store makes them, text as it was. */
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
 * What columns tell of a filter. A store narrows its rows by it: where no `unknown` is left the answer is exact,
 * else the rows it selects are a superset, on which the filter is asked once more.
 */
export type Plan =
	| { readonly kind: "all" }
	| { readonly kind: "none" }
	| { readonly kind: "unknown" }
	| { readonly kind: "and" | "or"; readonly of: readonly Plan[] }
	| { readonly kind: "not"; readonly of: Plan }
	/** The column equals a value; a column that is null never does. */
	| { readonly kind: "equals"; readonly column: Column; readonly value: string | number }
	/** The column passes a test that looks at nothing else; asked once for each distinct value, null included. */
	| { readonly kind: "test"; readonly column: Column; readonly test: (value: string | number | null) => boolean }
	/** The body of an HTTP message, its coding undone, passes a test; a missing one never does. Unknown where a flow has other messages. */
	| { readonly kind: "body"; readonly side: "request" | "response"; readonly test: (bytes: Buffer) => boolean };

/** Parts of a flow that cost something to read. */
export type FlowPart = "head" | "requestBody" | "responseBody" | "messages" | "connections" | "metadata";

export interface Filter {
	/** As written. */
	readonly pattern: string;
	matches(flow: Flow): boolean;
	readonly plan: Plan;
	readonly needs: ReadonlySet<FlowPart>;
	/** The filter as understood, in words: `url matches /x/i and not response code is 404`. */
	toString(): string;
}
