// A client that sends nothing is told to the entrance, a busy one is not.
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import t from "tap";
import { routed } from "../../../fixtures/routed.ts";

t.test("silence", async (t) => {
	const { engine } = await routed(t);
	const kinds = (socket: net.Socket): string[] => {
		const port = socket.localPort;
		return engine.messages.filter(({ localPort }) => localPort === port).map(({ kind }) => kind);
	};
	const silent = net.connect(80, "127.0.0.1");
	const writing = net.connect(80, "api.example.com", () => writing.write("GET "));
	const busy = net.connect(80, "api.example.com", () => {
		const until = Date.now() + 100;
		while (Date.now() < until);
		busy.write("GET ");
	});
	const raw = net.connect(443, "api.example.com");
	const secure = tls.connect({ host: "api.example.com", port: 443 });
	const over = tls.connect({ socket: raw, servername: "api.example.com" });
	await Promise.all([
		...[silent, writing, busy].map((socket) => once(socket, "connect")),
		...[secure, over].map((socket) => once(socket, "secureConnect")),
	]);
	while (!kinds(silent).includes("silent")) await new Promise((resolve) => setTimeout(resolve, 10));
	await new Promise((resolve) => setTimeout(resolve, 100));
	t.same(kinds(silent), ["connected", "silent"]);
	for (const socket of [writing, busy, secure, raw]) t.same(kinds(socket), ["connected"]);
	for (const socket of [writing, busy, secure, over]) socket.destroy();
});

t.test("scope and target of a connection", async (t) => {
	const { engine, route } = await routed(t, { concurrent: true });
	const socket = route.run("a test", () => net.connect({ port: 80, host: "api.example.com" }));
	await once(socket, "connect");
	t.match(engine.messages, [{ kind: "connected", scope: "a test", target: { host: "api.example.com", port: 80 } }]);
	socket.destroy();
});
