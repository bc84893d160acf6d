// Where the code under test makes its requests, so that the error about a request points to the test.
import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** Number of requests that are remembered. */
const REMEMBERED = 1000;
/** Depth of the stack that is captured. */
const DEPTH = 50;

/** Published while the code that makes the request is on the stack: by `fetch` and undici, and since Node 22 by `http`. */
const UNDICI = "undici:request:create";
const HTTP = "http.client.request.created";

interface UndiciMessage {
	readonly request: { readonly method: string; readonly origin: string | URL; readonly path: string };
}

interface HttpMessage {
	readonly request: {
		readonly method: string;
		readonly protocol: string;
		readonly path: string;
		getHeader(name: string): unknown;
	};
}

export class RequestOrigins {
	/** Called with each request, such as `GET http://…`, and the frames from which it is made. Default: nothing is called. */
	onRequest: ((request: string, frames: string) => void) | null = null;
	/** By method and URL, the latest request last. */
	readonly #stacks = new Map<string, { stack?: string }>();

	start(): void {
		subscribe(UNDICI, this.#onUndici);
		subscribe(HTTP, this.#onHttp);
	}

	stop(): void {
		unsubscribe(UNDICI, this.#onUndici);
		unsubscribe(HTTP, this.#onHttp);
	}

	/** The stack frames from which a request was made, one in each line; null: unknown. */
	framesOf(method: string, url: string): string | null {
		return userFrames(this.#stacks.get(`${method} ${url}`)?.stack);
	}

	readonly #onUndici = (message: unknown): void => {
		const { method, origin, path } = (message as UndiciMessage).request;
		this.#remember(`${method} ${origin}${path}`, this.#onUndici);
	};

	readonly #onHttp = (message: unknown): void => {
		const { request } = message as HttpMessage;
		const { method, protocol, path } = request;
		this.#remember(`${method} ${protocol}//${request.getHeader("host")}${path}`, this.#onHttp);
	};

	#remember(key: string, below: (message: unknown) => void): void {
		if (this.#stacks.size >= REMEMBERED) this.#stacks.delete(this.#stacks.keys().next().value ?? key);
		const stack = captureStack(below);
		this.#stacks.delete(key);
		this.#stacks.set(key, stack);
		const frames = this.onRequest === null ? null : userFrames(stack.stack);
		if (frames !== null) this.onRequest?.(key, frames);
	}
}

/** An object whose `stack` begins with the caller of `below`. It is formatted when it is read. */
export function captureStack(below: (...args: never[]) => unknown): { stack?: string } {
	const { stackTraceLimit } = Error;
	const holder = {};
	Error.stackTraceLimit = DEPTH;
	Error.captureStackTrace(holder, below);
	Error.stackTraceLimit = stackTraceLimit;
	return holder;
}

/** The lines of a stack that are not of Node.js or of packages; null: there are none. */
export function userFrames(stack: string | undefined): string | null {
	const lines = (stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
	const own = lines.filter((line) => !/\bnode:|[\\/]node_modules[\\/]|<anonymous>\)?$/.test(line));
	return own.length === 0 ? null : own.join("\n");
}
