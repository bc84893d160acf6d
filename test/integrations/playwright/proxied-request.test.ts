// Requests through a proxy, as for intercepted pages.
import { createServer } from "node:http";
import { join } from "node:path";
import t from "tap";
import { record } from "../../../api/record.ts";
import { startSite } from "../../../fixtures/plain-site.ts";
import { sendThrough } from "../../../integrations/playwright/proxied-request.ts";

const ca = join(t.testdirName, "..", `home-${process.pid}`);
const post = { method: "POST", headers: { ":path": "/", "x-own": "1" }, body: Buffer.from("text") };

t.test("a request and its response", async (t) => {
	const site = await startSite(t);
	await using proxy = await record({ ca });
	const response = await sendThrough(proxy.url, { ...post, url: `${site.url}/a` });
	t.match(response, { status: 200, headers: { "content-type": "text/plain" } });
	t.equal(response.body.toString(), "POST /a");
	await t.rejects(sendThrough(new URL("http://127.0.0.1:1"), { ...post, url: site.url }), { code: "ECONNREFUSED" });
});

t.test("header fields of one name", async (t) => {
	const server = createServer((_, response) => response.setHeader("Set-Cookie", ["a=1", "b=2"]).end());
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.teardown(() => server.close());
	await using proxy = await record({ ca });
	const { port } = server.address() as { port: number };
	const { headers } = await sendThrough(proxy.url, { ...post, url: `http://127.0.0.1:${port}/` });
	t.equal(headers["set-cookie"], "a=1\nb=2");
});
