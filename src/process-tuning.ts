// V8 flags that make flowtape faster. They affect the whole process, so only the program that owns it may allow them,
// as the command line does.
import type * as V8 from "node:v8";
import type * as Vm from "node:vm";
import { lazily } from "./lazy.ts";

const v8 = lazily<typeof V8>("node:v8");
const vm = lazily<typeof Vm>("node:vm");

let isTuned = false;
let usesLinearEngine = false;

/**
 * Allows flowtape to set V8 flags in this thread; each is set only when it is first useful. Call it again in each
 * worker thread.
 */
export function tuneProcess(): void {
	isTuned = true;
}

export function isProcessTuned(): boolean {
	return isTuned;
}

/**
 * Makes V8 switch to its linear-time engine when a regular expression backtracks too often. This applies to expressions
 * compiled from now on and changes only their speed, so it is never turned off. Without it, such a search ends at its
 * time limit.
 */
export function useLinearEngine(): void {
	if (!isTuned || usesLinearEngine) return;
	usesLinearEngine = true;
	v8().setFlagsFromString("--regexp-backtracks-before-fallback=200000");
	v8().setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
}

/** Without options, it is a major collection. */
export type Collect = (options?: { type: "minor" }) => void;

/**
 * V8's `gc` function; null if it is not available. V8 gives it only to contexts that are created while the flag is set.
 */
export function exposeCollect(): Collect | null {
	if (!isTuned) return null;
	v8().setFlagsFromString("--expose-gc");
	const exposed: unknown = vm().runInNewContext("globalThis.gc");
	v8().setFlagsFromString("--no-expose-gc");
	return typeof exposed === "function" ? (exposed as Collect) : null;
}
