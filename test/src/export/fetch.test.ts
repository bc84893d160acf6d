// Requests as calls of fetch.
import t from "tap";
import { httpRequest } from "../../../fixtures/build-flow.ts";
import { startRawServer } from "../../../fixtures/raw-server.ts";
import { fetchCall } from "../../../src/export/fetch.ts";
import type { Request } from "../../../src/flow/message.ts";

/** Runs the exported code as a program. */
async function run(request: Request): Promise<void> {
	const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (code: string) => () => Promise<void>;
	await new AsyncFunction(fetchCall(request))();
}

t.test("the server gets the same request", async (t) => {
	const server = await startRawServer();
	t.teardown(() => server.close());
	const { port } = server;
	const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
	const headers = [
		["Host", `127.0.0.1:${port}`],
		["X-Quote", `it's "so" \\ ${"é"}`],
		["Content-Type", "application/x-bytes"],
		["Content-Length", "256"],
		["Connection", "keep-alive"],
	] as const;
	await run(httpRequest({ method: "PUT", host: "127.0.0.1", port, path: "/a?b=%20+c", headers, body }));
	await run(
		httpRequest({ method: "POST", host: "127.0.0.1", port, headers: headers.slice(0, 1), body: 'text "quoted"\n' }),
	);
	await run(httpRequest({ host: "127.0.0.1", port, path: "/get", headers: headers.slice(0, 1) }));
	await run(httpRequest({ host: "127.0.0.1", port, path: "/caf\u00c3\u00a9?/../", headers: headers.slice(0, 1) }));
	const [put = "", post = "", get = "", accented = ""] = server.requests;
	t.match(accented, /^GET \/caf%c3%a9\?\/\.\.\/ /i);
	t.match(put, /^PUT \/a\?b=%20\+c HTTP/);
	t.match(put, /x-quote: it's "so" \\ \xc3\xa9\r\n/i);
	t.ok(put.endsWith(`\r\n\r\n${body.toString("latin1")}`));
	t.ok(post.endsWith('\r\n\r\ntext "quoted"\n'));
	t.notMatch(post, /content-type/i);
	t.match(get, /^GET \/get /);
});

t.test("requests that fetch cannot send are errors or noted", async (t) => {
	t.throws(() => fetchCall(httpRequest({ body: "x" })), { code: "FT_LOSS" });
	for (const method of ["TRACE", "get", "a b"])
		t.throws(() => fetchCall(httpRequest({ method })), { code: "FT_LOSS" }, method);
	t.match(fetchCall(httpRequest({ path: "/a#b" })), /^await fetch\("http:\/\/example\.com\/a",/);
	for (const path of ["/a/../b", "/a/%2E", "/a\\b", "*"])
		t.throws(() => fetchCall(httpRequest({ path })), { code: "FT_LOSS" }, path);
});
