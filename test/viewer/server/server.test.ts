// The server of the viewer: the stream of events, limits, and its end.
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import t, { type Test } from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { storeAt, storeWith } from "../../../fixtures/stores.ts";
import { send, viewerOf } from "../../../fixtures/viewer.ts";
import type { ViewerEvent } from "../../../viewer/page/protocol.ts";
import { startViewer } from "../../../viewer/server/server.ts";

async function start(t: Test) {
	const path = join(t.testdir(), "a.tape");
	await storeWith(path, [httpFlow({})]);
	return { path, ...(await viewerOf(t, [path])) };
}

/** Reads events until one is wanted. */
async function* eventsOf(t: Test, port: number, token: string): AsyncGenerator<ViewerEvent> {
	const request = get({
		port,
		host: "127.0.0.1",
		path: "/api/v1/events",
		headers: { Authorization: `Bearer ${token}` },
	});
	const [response] = (await once(request, "response")) as [IncomingMessage];
	t.teardown(() => request.destroy());
	let text = "";
	for await (const piece of response.setEncoding("utf8")) {
		text += piece;
		const events = text.split("\n\n");
		text = events.pop() ?? "";
		for (const event of events) if (event.startsWith("data: ")) yield JSON.parse(event.slice(6)) as ViewerEvent;
	}
}

t.test("flows that another process appends are told", async (t) => {
	const { path, port, token, ask } = await start(t);
	const { json: all } = await ask("POST", "/api/v1/sets", { filter: "", sort: "" });
	const { json: failed } = await ask("POST", "/api/v1/sets", { filter: "~c 500", sort: "" });
	const { json: sorted } = await ask("POST", "/api/v1/sets", { filter: "", sort: "-status" });
	const events = eventsOf(t, port, token);
	const next = events.next();
	// the stream is open once the first request of it was answered
	await ask("GET", "/api/v1/tape");
	const store = storeAt(path, "append");
	store.append(httpFlow({ response: { statusCode: 500 } }));
	store.append(httpFlow({}));
	await store.close();
	for (
		let { value: event } = await next;
		event?.type !== "appended" || event.total < 3;
		{ value: event } = await events.next()
	);
	const stateOf = async ({ set }: { set: number }) => (await ask("GET", `/api/v1/sets/${set}`)).json;
	t.match(await stateOf(all), { total: 3, added: 0 });
	t.match(await stateOf(failed), { total: 1, added: 0 });
	t.match(await stateOf(sorted), { total: 1, added: 2 }, "a sorted list does not move");
	const { json: again } = await ask("POST", "/api/v1/sets", { filter: "", sort: "-status" });
	t.not(again.set, sorted.set);
	await events.return(undefined);
});

t.test("at most 16 pages", async (t) => {
	const { port, token, ask } = await start(t);
	const requests = await Promise.all(
		Array.from({ length: 16 }, async () => {
			const request = get({
				port,
				host: "127.0.0.1",
				path: "/api/v1/events",
				headers: { Authorization: `Bearer ${token}` },
			});
			await once(request, "response");
			return request;
		}),
	);
	t.equal((await ask("GET", "/api/v1/events")).status, 429);
	for (const request of requests) request.destroy();
});

t.test("requests that are too large or not JSON", async (t) => {
	const { port, token } = await start(t);
	const headers = { Authorization: `Bearer ${token}` };
	const large = JSON.stringify({ filter: "x".repeat(2 ** 20) });
	t.match(await send(port, "POST", "/api/v1/sets", large, headers), { status: 400, json: { code: "FT_USAGE" } });
	t.match(await send(port, "POST", "/api/v1/sets", "{", headers), { status: 400, json: { message: /not JSON/ } });
	t.equal((await send(port, "GET", "/../../etc/passwd", null, headers)).status, 404);
	t.equal((await send(port, "GET", "/constructor", null, headers)).status, 404);
	t.equal((await send(port, "POST", "/", "", headers)).status, 404);
});

t.test("upgrades are refused", async (t) => {
	const { port, token } = await start(t);
	const request = get({
		port,
		host: "127.0.0.1",
		headers: { Connection: "Upgrade", Upgrade: "websocket", Authorization: `Bearer ${token}` },
	});
	const [error] = await once(request, "error");
	t.match(error, { code: "ECONNRESET" });
});

t.test("a port in use, and the end", async (t) => {
	const { viewer, port, path } = await start(t);
	await t.rejects(startViewer({ tapes: [path], port, version: "", report: () => {} }), { code: "FT_PORT" });
	await viewer.close();
	await t.rejects(send(port, "GET", "/", null, {}), { code: "ECONNREFUSED" });
	await t.rejects(startViewer({ tapes: [`${path}.missing`], version: "", report: () => {} }), { code: "FT_NOT_FOUND" });
});
