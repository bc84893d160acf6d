// What V8 does better when it is told to, and for the whole process at once: only a program whose process it is may say so, as the command line does.
// Without, the same is done more slowly.
import { createRequire } from "node:module";
import type * as V8 from "node:v8";
import type * as Vm from "node:vm";

const load = createRequire(import.meta.url);

let isTuned = false;
let usesLinearEngine = false;

/** From now on flags of V8 are set where they serve: nothing is loaded before. In threads it has to be said again. */
export function tuneProcess(): void {
	isTuned = true;
}

export function isProcessTuned(): boolean {
	return isTuned;
}

/**
 * Has V8 go on in linear time where a regular expression has taken too many steps of backtracking. It is compiled into expressions made from now on,
 * and changes their speed alone, so it is left on once a pattern asked for it. Without, such a search is stopped after its time.
 */
export function useLinearEngine(): void {
	if (!isTuned || usesLinearEngine) return;
	usesLinearEngine = true;
	const v8 = load("node:v8") as typeof V8;
	v8.setFlagsFromString("--regexp-backtracks-before-fallback=200000");
	v8.setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
}

export type Collect = (options: { type: "minor" | "major" }) => void;

/** V8's collection of garbage; null where it does not hand it out, which it does only to a context that is made while the flag is set. */
export function exposeCollect(): Collect | null {
	if (!isTuned) return null;
	const v8 = load("node:v8") as typeof V8;
	v8.setFlagsFromString("--expose-gc");
	const exposed: unknown = (load("node:vm") as typeof Vm).runInNewContext("globalThis.gc");
	v8.setFlagsFromString("--no-expose-gc");
	return typeof exposed === "function" ? (exposed as Collect) : null;
}
