// Steps that are synchronous or asynchronous. Most hooks and writes are synchronous, and run without a promise.

/** The result of a step: the value itself if the step was synchronous, else a promise of it. */
export type MaybeAsync<T = void> = T | Promise<T>;

/** Runs the next step with the result: at once, or when the promise is fulfilled. */
export function after<T, R>(result: MaybeAsync<T>, next: (result: T) => MaybeAsync<R>): MaybeAsync<R> {
	return isPromise(result) ? result.then(next) : next(result);
}

/** Also true for promises of other realms, such as those in which test runners run their tests. */
function isPromise<T>(result: MaybeAsync<T>): result is Promise<T> {
	return typeof (result as { then?: unknown } | null | undefined)?.then === "function";
}

/** Runs the steps in order. Returns a promise only if one of them does. */
export function sequence(steps: readonly (() => MaybeAsync)[]): MaybeAsync {
	return steps.reduce<MaybeAsync>((wait, step) => after(wait, step), undefined);
}

/** Calls the functions in order with the same arguments. Returns a promise only if one of them does. */
export function callInOrder<A extends unknown[]>(
	functions: readonly ((...args: A) => MaybeAsync)[],
	...args: A
): MaybeAsync {
	return sequence(functions.map((call) => () => call(...args)));
}
