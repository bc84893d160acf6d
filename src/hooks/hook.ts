// What a feature is: functions on a flow at the phases of its life.
import type { Flow, HttpFlow } from "../flow/flow.ts";
import type { ConnectHook, ConnectionHook, TcpHook } from "./connection-hooks.ts";
import type { Decision } from "./decision.ts";

/**
 * Phases of an HTTP flow, in order. `error` comes instead of `response` when there will be none.
 * Those of a WebSocket follow `response`; the newest message is the last of `flow.websocket.messages`.
 */
export const phases = ["requestheaders", "request", "responseheaders", "response", "error", "websocket_start", "websocket_message", "websocket_end"] as const;

export type Phase = (typeof phases)[number];

type HookFunction = (flow: HttpFlow, decision: Decision) => void | Promise<void>;

export interface Hook extends Partial<Record<Phase, HookFunction>> {
	/** The option's name, in kebab-case. */
	readonly name: string;
	/**
	 * Bodies that must be there in full when `request` and `response` run; those beyond the cutoff of streaming are not, unless "always".
	 * Default: none.
	 */
	readonly needs?: { readonly request?: boolean | "always"; readonly response?: boolean };
	/** Sees live requests to this host alone, in lower case, and costs others nothing. Default: all of them. */
	readonly host?: string;
	/** It never changes a request. Default: it may, where it sees one. */
	readonly leavesRequest?: boolean;
	/** Makes sense for live traffic only; stored flows skip it. */
	readonly liveOnly?: boolean;
	/** Flows that are no HTTP, when they are complete. */
	flow?(flow: Exclude<Flow, HttpFlow>, decision: Decision): void | Promise<void>;
	readonly connection?: ConnectionHook;
	readonly connect?: ConnectHook;
	readonly tcp?: TcpHook;
	/** Releases what `create` opened. */
	close?(): void | Promise<void>;
}
