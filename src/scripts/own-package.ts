// `import … from "flowtape"` in scripts and in what they import: this flowtape is meant, wherever it is installed.
import * as modules from "node:module";

type Next<Context> = (specifier: string, context?: Partial<Context>) => { url: string };
type Resolve = (specifier: string, context: object, next: Next<{ parentURL: string }>) => { url: string };

/** Hooks in this thread, which newer Nodes have (22.15, 23.5). */
const { registerHooks } = modules as { registerHooks?: (hooks: { resolve: Resolve }) => unknown };

/** Asked for by a module of this package, its name leads to itself (package.json, "exports"). */
const own = import.meta.url;
const isOwn = /^flowtape(?:\/|$)/;

let isRegistered = false;

/** To be called before scripts are loaded; it slows the loading of modules down a little. */
export function resolveOwnPackage(): void {
	if (isRegistered) return;
	isRegistered = true;
	if (registerHooks !== undefined)
		registerHooks({ resolve: (specifier, context, next) => next(specifier, isOwn.test(specifier) ? { ...context, parentURL: own } : context) });
	else modules.register(`data:text/javascript,${encodeURIComponent(hook)}`);
}

/** The same for the thread in which older Nodes resolve. */
const hook = `export const resolve = (specifier, context, next) =>
	next(specifier, ${isOwn}.test(specifier) ? { ...context, parentURL: ${JSON.stringify(own)} } : context);`;
