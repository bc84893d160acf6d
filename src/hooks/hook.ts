// The interface of a hook: functions that run on a flow at its phases.
import type { Flow, HttpFlow } from "../flow/flow.ts";
import type { Request } from "../flow/message.ts";
import type { MaybeAsync } from "../maybe-async.ts";
import type { ConnectHook, ConnectionHook, TcpHook } from "./connection-hooks.ts";
import type { Decision } from "./decision.ts";

/**
 * The phases of an HTTP flow, in order. `error` runs instead of `response` if there will be no response.
 * The phases of a WebSocket follow `response`; the newest message is the last of `flow.websocket.messages`.
 */
export const phases = [
	"requestheaders",
	"request",
	"responseheaders",
	"response",
	"error",
	"websocket_start",
	"websocket_message",
	"websocket_end",
] as const;

/** The name of a phase. */
export type Phase = (typeof phases)[number];

type HookFunction = (flow: HttpFlow, decision: Decision) => MaybeAsync;

/** Functions that run on a flow at its phases, and on connections. */
export interface Hook extends Partial<Record<Phase, HookFunction>> {
	/** The name of the option, in kebab-case. */
	readonly name: string;
	/**
	 * The bodies that must be complete when `request` and `response` run. A body larger than `stream_large_bodies` is
	 * streamed nevertheless, and so is a stream by its media type, such as gRPC: `request` then runs after it was
	 * forwarded. With "decides", only the size of a request body is a reason to stream it; with "always", none is. A hook
	 * without needs runs before a streamed request is forwarded. Default: none.
	 */
	readonly needs?: { readonly request?: boolean | "decides" | "always"; readonly response?: boolean };
	/** The host, in lower case, for whose live requests the hook runs. Default: all hosts. */
	readonly host?: string;
	/**
	 * Picks live requests that get only this hook, after proxy authentication. They reach no server, and they are neither
	 * recorded nor reported as flows. It runs on every request, so it has to be fast. Default: the hook runs like others.
	 */
	readonly claims?: (request: Request) => boolean;
	/** Never changes a request. Default: false. */
	readonly leavesRequest?: boolean;
	/** Runs for live traffic only, not for stored flows. */
	readonly liveOnly?: boolean;
	/** Runs on stored flows other than HTTP. */
	flow?(flow: Exclude<Flow, HttpFlow>, decision: Decision): MaybeAsync;
	/**
	 * Changes what is written of a flow that is about to be recorded. It gets a copy, which clients and servers never see.
	 * If it fails, the flow is not written.
	 */
	recorded?: ((flow: Flow) => MaybeAsync) | undefined;
	/** Handles events of connections to clients and servers. */
	readonly connection?: ConnectionHook;
	/** Handles CONNECT requests. */
	readonly connect?: ConnectHook;
	/** Handles events of live tunnels that are recorded as TCP flows. */
	readonly tcp?: TcpHook;
	/** Releases the hook's resources. */
	close?(): MaybeAsync;
}
