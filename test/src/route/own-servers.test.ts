// Connections to servers of this process are not routed, also those that listened before, or connect while they begin.
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import t from "tap";
import { routed } from "../../../fixtures/routed.ts";

const serve = (): http.Server => http.createServer((_request, response) => response.end("own"));
const portOf = (server: http.Server): number => (server.address() as AddressInfo).port;

/** "own", or what the engine answers. */
async function ask(host: string, port: number): Promise<string> {
	const request = http.get({ host, port, agent: false });
	const [response] = (await once(request, "response")) as [http.IncomingMessage];
	return (await response.setEncoding("utf8").toArray()).join("");
}

t.test("servers that listen before and after", async (t) => {
	const before = serve().listen(0);
	await once(before, "listening");
	await routed(t);
	const after = serve();
	const connected = new Promise<string>((resolve, reject) => {
		// as supertest does, in a listener that is earlier than any of ours
		after.on("listening", () => ask("127.0.0.1", portOf(after)).then(resolve, reject));
	});
	after.listen(0, "127.0.0.1");
	t.equal(await connected, "own");
	const lan = Object.values(networkInterfaces())
		.flatMap((list) => list ?? [])
		.find(({ internal, family }) => !internal && family === "IPv4");
	for (const host of ["localhost", "127.0.0.1", "0.0.0.0", ...(lan ? [lan.address] : [])])
		t.equal(await ask(host, portOf(before)), "own", host);
	t.equal(await ask("localhost", portOf(after)), "own");
	t.match(await ask("127.0.0.2", portOf(after)), /127\.0\.0\.2/, "another loopback address is another host");
	t.match(await ask("api.example.com", portOf(before)), /api\.example\.com/, "so is a name with the same port");
	const port = portOf(after);
	after.close();
	await once(after, "close");
	t.match(await ask("127.0.0.1", port), /127\.0\.0\.1/, "a closed server is no server");
	before.close();
});

t.test("a server binds to a name of this machine", async (t) => {
	await routed(t);
	const server = serve().listen(0, "localhost");
	await once(server, "listening");
	t.equal(await ask("localhost", portOf(server)), "own");
	server.close();
});
