// `routeFromTape`, with plain objects in place of Playwright's pages. interop/playwright.mjs runs it with a real one.
import { join } from "node:path";
import t from "tap";
import { startSite } from "../../../fixtures/plain-site.ts";
import { type RouteOptions, routeFromTape } from "../../../integrations/playwright/index.ts";
import type { Route, RouteTarget } from "../../../integrations/playwright/playwright-types.ts";

/** A page that can only send requests. */
function createPage() {
	const handlers: ((route: Route) => Promise<void>)[] = [];
	const page: RouteTarget = {
		route: async (_url, handler) => void handlers.push(handler),
		unroute: async (_url, handler) => void handlers.splice(handlers.indexOf(handler), 1),
		routeWebSocket: async () => {},
	};
	const ask = async (url: string): Promise<string> => {
		let answer = "";
		await handlers[0]?.({
			request: () => ({
				url: () => url,
				method: () => "GET",
				allHeaders: async () => ({}),
				postDataBuffer: () => null,
			}),
			fulfill: async ({ status, body }) => {
				answer = `${status} ${body}`;
			},
			abort: async (reason) => {
				answer = reason;
			},
		});
		return answer;
	};
	return { page, ask, handlers };
}

t.test("a page is recorded, then answered from the tape; misses are thrown at the end", async (t) => {
	const site = await startSite(t);
	const tape = join(t.testdir(), "page.tape");
	const { page, ask, handlers } = createPage();
	{
		await using recording = await routeFromTape(page, tape, { mode: "once" });
		t.ok(recording.isRecording);
		t.equal(await ask(`${site.url}/a`), "200 GET /a");
	}
	t.equal(handlers.length, 0);
	await site.close();
	const replay = await routeFromTape(page, tape, { mode: "once" });
	t.equal(await ask(`${site.url}/a`), "200 GET /a");
	t.match(await ask(`${site.url}/b`), /^404 No recording answers/);
	t.match(replay, { requests: [{ isReplayed: true }, { status: 404 }], misses: [{ url: `${site.url}/b` }] });
	await t.rejects(replay.eject(), { code: "FT_MISS", message: /1 request has no recording/ });
	const wrong = { dir: "." } as RouteOptions;
	await t.rejects(routeFromTape(page, tape, wrong), { message: 'routeFromTape: "dir" is not an option.' });
});

t.test("a request that gets no answer is aborted", async (t) => {
	const tape = join(t.testdir(), "page.tape");
	const { page, ask } = createPage();
	const replay = await routeFromTape(page, tape, { mode: "none", miss: "error" });
	t.equal(await ask("http://a.invalid/"), "connectionfailed");
	await t.rejects(replay.eject(), { code: "FT_MISS" });
});
