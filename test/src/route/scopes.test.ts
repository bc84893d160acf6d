// Requests of tests that run at the same time carry the scope in which they were made.
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import t from "tap";
import type { SeenRequest } from "../../../fixtures/route-engine.ts";
import { routed } from "../../../fixtures/routed.ts";

async function bodyOf(response: AsyncIterable<Buffer>): Promise<SeenRequest> {
	let text = "";
	for await (const chunk of response) text += chunk;
	return JSON.parse(text);
}

t.test("fetch and http with one connection", async (t) => {
	const { route } = await routed(t, { concurrent: true });
	const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
	const names = ["a", "b", "c", "d"];
	const rounds = names.map((name) =>
		route.run(name, async () => {
			const seen: (string | null)[] = [];
			for (let round = 0; round < 3; round++) {
				const response = await fetch("http://api.example.com/");
				seen.push(((await response.json()) as SeenRequest).scope);
				const request = http.get("http://api.example.com/", { agent });
				const [answer] = await once(request, "response");
				seen.push((await bodyOf(answer)).scope);
			}
			return seen;
		}),
	);
	t.same(
		await Promise.all(rounds),
		names.map((name) => Array(6).fill(name)),
	);
	t.same(route.told, { handler: 0, context: 24, connection: 0 });
	const outside = await fetch("http://api.example.com/");
	t.match(await outside.json(), { scope: null });
});

t.test("enter, and a field that the request cannot carry", async (t) => {
	const { route } = await routed(t, { concurrent: true });
	const seen = await new Promise<SeenRequest>((resolve, reject) => {
		setImmediate(async () => {
			route.enter("a");
			const request = http.get("http://api.example.com/", { headers: ["host", "api.example.com"], agent: false });
			const [answer] = await once(request, "response");
			bodyOf(answer).then(resolve, reject);
		});
	});
	t.match(seen, { scope: null, connectionScope: "a" }, "the scope of its connection");
	t.same(route.told, { handler: 0, context: 0, connection: 1 });
});

t.test("an HTTP/2 session belongs to one scope", async (t) => {
	const { route } = await routed(t, { concurrent: true });
	const session = route.run("a", () => http2.connect("https://api.example.com"));
	const own = await route.run("a", () => bodyOf(session.request({ ":path": "/" })));
	t.match(own, { scope: null, connectionScope: "a" });
	t.throws(() => route.run("b", () => session.request({ ":path": "/" })), {
		code: "FT_ROUTE",
		message: /made in "a" and is used in "b".*a session for each test/,
	});
	t.throws(() => session.request({ ":path": "/" }), { message: /is used outside of the tests/ });
	t.equal(route.errors.length, 2, "also if the program swallows them");
	session.destroy();
});

t.test("without concurrency nothing is added", async (t) => {
	const { route } = await routed(t);
	const { addRequest } = http.Agent.prototype as unknown as { addRequest: unknown };
	const seen = await route.run("a", async () => (await fetch("http://api.example.com/")).json());
	t.match(seen, { scope: null, connectionScope: "a" });
	route.remove();
	t.equal(Reflect.get(http.Agent.prototype, "addRequest"), addRequest);
});
