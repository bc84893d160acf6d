// `flowtape/hooks`: what features of a program's own are made of, and the types of scripts.
import type { Hook } from "../src/hooks/hook.ts";

export type { ConnectHook, ConnectionHook, ConnectionPair, ServerEvent, TcpHook } from "../src/hooks/connection-hooks.ts";
export type { BodyStreaming, CachedResponse, Decision, Delivery, Verdict } from "../src/hooks/decision.ts";
export { type Hook, type Phase, phases } from "../src/hooks/hook.ts";
export type { Addon, Context, Loader } from "../src/scripts/addon.ts";

/**
 * A hook: functions on a flow at the phases of its life, for `hooks` of `record`, `replayServer`, `replayClient`, `run` and `rewrite`. Each gets the flow, which
 * it may change, and the decision about its exchange: `decision.answer(response, by)` answers the request, `decision.abort(reason, by)` hangs up,
 * `decision.drop(by)` leaves a stored flow out. Phases are waited for where they give a promise.
 */
export function defineHook(hook: Hook): Hook {
	return hook;
}
