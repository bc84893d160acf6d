// WebSockets through a proxy, as for intercepted pages.
import { createServer } from "node:http";
import { join } from "node:path";
import t from "tap";
import { WebSocketServer } from "ws";
import { record } from "../../../api/record.ts";
import { Watch } from "../../../fixtures/watch.ts";
import { ProxiedWebSocket } from "../../../integrations/playwright/proxied-websocket.ts";

const ca = join(t.testdirName, "..", `home-${process.pid}`);

t.test("a WebSocket: messages, pings, and the end from both sides", async (t) => {
	const server = createServer((_, response) => response.writeHead(426).end());
	const sockets = new WebSocketServer({ server, path: "/socket" });
	const ends: string[] = [];
	sockets.on("connection", (socket) => {
		socket.on("message", (data, isBinary) => {
			if (String(data) === "bye") socket.close(4000, "as asked");
			else socket.ping(() => socket.send(data, { binary: isBinary }));
		});
		socket.on("close", (code) => {
			ends.push(String(code));
			watch.check();
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.teardown(() => {
		sockets.close();
		server.close();
		server.closeAllConnections();
	});
	const { port } = server.address() as { port: number };
	await using proxy = await record({ ca });
	const watch = new Watch();
	const seen: unknown[] = [];
	const events = {
		message: (data: string | Buffer) => {
			seen.push(data);
			watch.check();
		},
		close: (code: number, reason: string) => {
			seen.push([code, reason]);
			watch.check();
		},
	};
	const until = (count: number) =>
		watch.until(
			() => (seen.length >= count ? true : undefined),
			() => JSON.stringify(seen),
		);
	const url = `ws://127.0.0.1:${port}/socket`;
	const socket = await ProxiedWebSocket.open(proxy.url, url, events);
	for (const message of ["text", Buffer.from([1, 2]), "x".repeat(70_000)]) socket.send(message);
	await until(3);
	socket.send("bye");
	await until(4);
	t.strictSame(seen, ["text", Buffer.from([1, 2]), "x".repeat(70_000), [4000, "as asked"]]);
	const second = await ProxiedWebSocket.open(proxy.url, url, events);
	second.close(1000, "done");
	await watch.until(
		() => (ends.includes("1000") ? true : undefined),
		() => ends.join(),
	);
	await t.rejects(ProxiedWebSocket.open(proxy.url, url.replace("/socket", "/none"), events), {
		message: /none was answered with status 4/,
	});
});
