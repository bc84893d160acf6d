// The package entry `flowtape/hooks`: types for hooks of a program and for scripts.
import type { Hook } from "../src/hooks/hook.ts";

export type {
	ConnectHook,
	ConnectionHook,
	ConnectionPair,
	ServerEvent,
	TcpHook,
} from "../src/hooks/connection-hooks.ts";
export type { BodyStreaming, CachedResponse, Decision, Delivery, Verdict } from "../src/hooks/decision.ts";
export { type Hook, type Phase, phases } from "../src/hooks/hook.ts";
export type { Addon, Context, Loader } from "../src/scripts/addon.ts";

/**
 * Returns the hook unchanged; gives its methods their types. A hook has a method for each phase of a flow that it
 * handles, for the option `hooks` of `record`, `replayServer`, `replayClient`, `run` and `rewrite`. A method gets the
 * flow, which it may change, and the decision about its exchange: `decision.answer(response, by)` answers the request,
 * `decision.abort(reason, by)` closes the connection, `decision.drop(by)` drops a stored flow. If a method returns a
 * promise, the exchange waits for it. The method `recorded` changes a copy that is written to the tape.
 */
export function defineHook(hook: Hook): Hook {
	return hook;
}
