// `routeFromTape`: a tape for a page or context that exists already. Playwright intercepts its requests.
import { resolve } from "node:path";
import { openCaFolder } from "../../api/authority-folder.ts";
import { checkNames } from "../../api/option-names.ts";
import { missesText } from "../test/failure-text.ts";
import { TapeError } from "../test/tape-error.ts";
import { type TapeOptions, tapeOptionNames } from "./options.ts";
import type { Route, RouteTarget, WebSocketRoute } from "./playwright-types.ts";
import { sendThrough } from "./proxied-request.ts";
import { ProxiedWebSocket } from "./proxied-websocket.ts";
import { type InsertedTape, TestTape } from "./test-tape.ts";

/** Options of `routeFromTape`. */
export type RouteOptions = Omit<TapeOptions, "tape" | "dir" | "includeBaseURL" | "perProject" | "failOn">;

/** The tape of a page or context. */
export interface RoutedTape extends InsertedTape, AsyncDisposable {
	/**
	 * Ends the routing, and adds what was recorded to the tape.
	 * @throws TapeError FT_MISS if there was a request without a recording
	 */
	eject(): Promise<void>;
}

/** The options of `TapeOptions` that `routeFromTape` does not have. */
const LEFT_OUT: readonly string[] = ["tape", "dir", "includeBaseURL", "perProject", "failOn"];

/**
 * Records the requests of a page or context, or answers them from the tape. For pages that the test did not make; else
 * use `withTape`. Service workers and `context.request` are not routed, and redirects are followed before the page sees
 * them.
 * @param tape the path of the tape, relative to the working directory
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_IO, and for a tape that cannot be read
 */
export async function routeFromTape(
	target: RouteTarget,
	tape: string,
	options: RouteOptions = {},
): Promise<RoutedTape> {
	checkNames(
		"routeFromTape",
		options,
		tapeOptionNames.filter((name) => !LEFT_OUT.includes(name)),
	);
	const caFolder = await openCaFolder("ephemeral", {});
	const path = resolve(tape);
	const setup = { path, options, env: process.env, ca: caFolder.folder, baseURL: null, checksCertificates: true };
	const inserted = await TestTape.insert(setup);
	const { url } = await inserted.openSession();
	const onRequest = (route: Route) => answer(route, url);
	await target.route("**/*", onRequest);
	await target.routeWebSocket(/.*/, (socket) => connect(socket, url));
	const eject = async () => {
		await target.unroute("**/*", onRequest).catch(() => {});
		await inserted.eject({ keeps: inserted.misses.length === 0 });
		await caFolder.close();
		if (inserted.misses.length === 0) return;
		const context = { test: "routeFromTape", file: "", tape: path, exists: inserted.exists, runner: null };
		throw new TapeError("miss", missesText(inserted.misses, context), inserted.misses);
	};
	let ejected: Promise<void> | null = null;
	const end = () => (ejected ??= eject());
	return {
		path,
		isRecording: inserted.isRecording,
		recordedAt: inserted.recordedAt,
		requests: inserted.requests,
		misses: inserted.misses,
		eject: end,
		[Symbol.asyncDispose]: end,
	};
}

/** How many redirects of one request are followed. */
const MAX_REDIRECTS = 20;

async function answer(route: Route, proxy: URL): Promise<void> {
	const request = route.request();
	try {
		let target = { url: request.url(), method: request.method(), body: request.postDataBuffer() };
		const headers = await request.allHeaders();
		for (let count = 0; ; count++) {
			const response = await sendThrough(proxy, { ...target, headers });
			const { location } = response.headers;
			if (location === undefined || response.status < 300 || response.status >= 400 || count === MAX_REDIRECTS)
				return await route.fulfill(response);
			const keepsMethod = response.status === 307 || response.status === 308;
			const url = new URL(location, target.url).href;
			target = keepsMethod ? { ...target, url } : { url, method: "GET", body: null };
		}
	} catch {
		// the page may be closed
		await route.abort("connectionfailed").catch(() => {});
	}
}

async function connect(page: WebSocketRoute, proxy: URL): Promise<void> {
	try {
		const server = await ProxiedWebSocket.open(proxy, page.url(), {
			message: (data) => page.send(data),
			close: (code, reason) => void page.close(isSendable(code) ? { code, reason } : {}),
		});
		page.onMessage((data) => server.send(data));
		page.onClose((code, reason) => server.close(code, reason));
	} catch {
		await page.close({ code: 1011 });
	}
}

/** Whether a page may close a WebSocket with this code. */
function isSendable(code: number): boolean {
	return code === 1000 || (code >= 3000 && code <= 4999);
}
