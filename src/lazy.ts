// Loads modules synchronously when they are first used: most runs of the command line need only a few.
import { createRequire } from "node:module";

const load = createRequire(import.meta.url);

/**
 * Returns a function that loads a module of Node or of a package on its first call; `T` is the type of the module. A
 * long-running process makes that call when it starts: later it may have no file descriptor left, and Node caches a
 * failed load.
 */
export function lazily<T>(specifier: string): () => T {
	let loaded: { module: T } | undefined;
	return () => {
		loaded ??= { module: load(specifier) as T };
		return loaded.module;
	};
}
