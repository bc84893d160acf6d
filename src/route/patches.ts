// Replaces functions of core modules for the time of a route, and puts the originals back.
//
// A replacement holds nothing of its route: it asks for the handler of the route that is installed when it is called. A
// program that has kept a replacement therefore reaches the next route, and without a route the original.
import { syncBuiltinESMExports } from "node:module";
import { Socket } from "node:net";

export class RouteError extends Error {
	readonly code = "FT_ROUTE";
	override readonly name = "RouteError";
}

export type Method = (this: unknown, ...args: unknown[]) => unknown;

/** What a route does instead of a function. `self` is its `this`. */
export type Handler = (original: Method, self: unknown, args: unknown[]) => unknown;

/** The route that is installed in this thread. */
export interface Installed {
	readonly route: object;
	/** By the names of the functions, such as "net.Socket.prototype.connect". */
	readonly handlers: ReadonlyMap<string, Handler>;
}

/**
 * The place of the installed route. It is on a core class, because test runners give each file its own copies of modules
 * and globals, and share the core modules.
 */
const PLACE = Symbol.for("flowtape.route");

export function installed(): Installed | null {
	return (Reflect.get(Socket, PLACE) as Installed | undefined) ?? null;
}

interface Replacement {
	readonly owner: object;
	readonly key: string;
	readonly name: string;
	readonly original: PropertyDescriptor;
	readonly replacement: Method;
}

/** A function of a core module that a route replaces. */
export interface Replaceable {
	readonly owner: object;
	/** The owner's name in messages. */
	readonly ownerName: string;
	readonly key: string;
	readonly handler: Handler;
}

export class Patches {
	readonly #made: Replacement[] = [];

	/**
	 * Replaces those of the functions that this version of Node has, and makes the route the installed one.
	 * @throws RouteError a function cannot be replaced; all are as they were then
	 */
	install(route: object, functions: readonly Replaceable[]): void {
		const handlers = new Map<string, Handler>();
		try {
			for (const { owner, ownerName, key, handler } of functions) {
				const original = Object.getOwnPropertyDescriptor(owner, key);
				if (typeof original?.value !== "function") continue;
				const name = `${ownerName}.${key}`;
				const replacement = replacementOf(name, original.value);
				Object.defineProperty(owner, key, { ...original, value: replacement });
				this.#made.push({ owner, key, name, original, replacement });
				handlers.set(name, handler);
			}
		} catch (cause) {
			this.undo();
			throw new RouteError(`functions of Node cannot be replaced: ${(cause as Error).message}`, { cause });
		}
		Object.defineProperty(Socket, PLACE, { configurable: true, value: { route, handlers } satisfies Installed });
		syncBuiltinESMExports();
	}

	/**
	 * Puts the originals back.
	 * @returns the names of the functions that another tool has replaced since; they stay as they are
	 */
	undo(): string[] {
		const replaced = this.#made.filter((made) => !restore(made)).map(({ name }) => name);
		this.#made.length = 0;
		Reflect.deleteProperty(Socket, PLACE);
		syncBuiltinESMExports();
		return replaced;
	}
}

function restore({ owner, key, original, replacement }: Replacement): boolean {
	return (
		Object.getOwnPropertyDescriptor(owner, key)?.value === replacement && Reflect.defineProperty(owner, key, original)
	);
}

/** Has the properties of the original too, such as its name and the symbols that `util.promisify` reads. */
function replacementOf(name: string, original: Method): Method {
	const replacement: Method = function (...args) {
		const handler = installed()?.handlers.get(name);
		return handler === undefined ? Reflect.apply(original, this, args) : handler(original, this, args);
	};
	for (const key of Reflect.ownKeys(original)) {
		if (key === "prototype") continue;
		Object.defineProperty(replacement, key, Object.getOwnPropertyDescriptor(original, key) as PropertyDescriptor);
	}
	return replacement;
}
