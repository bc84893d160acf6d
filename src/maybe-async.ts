// Steps that may or may not take time. What needs no wait goes on at once, without a promise: most hooks and most writes are of that kind.

/** What a step gives: nothing when it is done at once, or a promise. */
export type MaybeAsync = void | Promise<void>;

/** Runs the next step at once, or when the wait is over. */
export function after(wait: MaybeAsync, next: () => MaybeAsync): MaybeAsync {
	return wait === undefined ? next() : wait.then(next);
}

/** Runs one step after the other. Gives a promise only from the first step on that gives one. */
export function sequence(steps: readonly (() => MaybeAsync)[]): MaybeAsync {
	return steps.reduce<MaybeAsync>(after, undefined);
}

/** Calls the functions one after the other with the same arguments. */
export function callInOrder<A extends unknown[]>(functions: readonly ((...args: A) => MaybeAsync)[], ...args: A): MaybeAsync {
	return sequence(functions.map((call) => () => call(...args)));
}
