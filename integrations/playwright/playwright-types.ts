// The parts of Playwright's objects that are used here. Playwright is an optional peer, so its types may be missing.

/** The test that runs. */
export interface TestInfo {
	readonly file: string;
	readonly line: number;
	readonly column: number;
	/** The file, the titles of groups, and the title of the test. */
	readonly titlePath: readonly string[];
	readonly project: { readonly name: string };
	readonly status?: string | undefined;
	readonly expectedStatus: string;
	attach(name: string, options: { body: string; contentType: string }): Promise<void>;
}

/** Options of a new context, of a browser or of API requests. */
export interface ContextOptions {
	proxy?: { server: string } | undefined;
	ignoreHTTPSErrors?: boolean | undefined;
}

/** Something that makes contexts: a browser, or `playwright.request`. */
export interface ContextFactory {
	newContext(options?: ContextOptions): Promise<unknown>;
}

export interface LaunchOptions {
	args?: string[] | undefined;
}

/** A request that Playwright intercepted. */
export interface Route {
	request(): {
		url(): string;
		method(): string;
		allHeaders(): Promise<Record<string, string>>;
		postDataBuffer(): Buffer | null;
	};
	fulfill(response: { status: number; headers: Record<string, string>; body: Buffer }): Promise<void>;
	abort(reason: string): Promise<void>;
}

/** A WebSocket that Playwright intercepted: the page's end of it. */
export interface WebSocketRoute {
	url(): string;
	send(data: string | Buffer): void;
	onMessage(handler: (data: string | Buffer) => void): void;
	onClose(handler: (code: number | undefined, reason: string | undefined) => void): void;
	close(options?: { code?: number; reason?: string }): Promise<void>;
}

/** A page or a context. */
export interface RouteTarget {
	route(url: string, handler: (route: Route) => Promise<void>): Promise<unknown>;
	unroute(url: string, handler: (route: Route) => Promise<void>): Promise<void>;
	routeWebSocket(url: RegExp, handler: (socket: WebSocketRoute) => Promise<void>): Promise<void>;
}
