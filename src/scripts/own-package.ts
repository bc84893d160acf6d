// Resolves `import … from "flowtape"` in scripts, and in their imports, to this installation.
import * as modules from "node:module";

type Next<Context> = (specifier: string, context?: Partial<Context>) => { url: string };
type Resolve = (specifier: string, context: object, next: Next<{ parentURL: string }>) => { url: string };

/** Synchronous hooks, available from Node 22.15 and 23.5 on. */
const { registerHooks } = modules as { registerHooks?: (hooks: { resolve: Resolve }) => unknown };

/**
 * The importer that the hook passes on for `flowtape`. Inside this package, Node resolves the name to the package
 * itself (package.json, "exports").
 */
const own = import.meta.url;
const isOwn = /^flowtape(?:\/|$)/;

let isRegistered = false;

/** Call before scripts are loaded. It slows down the loading of modules a little. */
export function resolveOwnPackage(): void {
	if (isRegistered) return;
	isRegistered = true;
	if (registerHooks !== undefined)
		registerHooks({
			resolve: (specifier, context, next) =>
				next(specifier, isOwn.test(specifier) ? { ...context, parentURL: own } : context),
		});
	else modules.register(`data:text/javascript,${encodeURIComponent(hook)}`);
}

/** The same hook for the loader thread of older versions of Node. */
const hook = `export const resolve = (specifier, context, next) =>
	next(specifier, ${isOwn}.test(specifier) ? { ...context, parentURL: ${JSON.stringify(own)} } : context);`;
