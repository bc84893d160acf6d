// Browses a site with Node's fetch and a WebSocket: `browse-node.mjs BASE…`, each argument `URL VERSION`. Prints a line
// for each response.
import { createHash } from "node:crypto";
import http from "node:http";
import https from "node:https";
import { WebSocket } from "ws";

const note = async (name, response) => {
	const bytes = Buffer.from(await response.arrayBuffer());
	console.log(name, response.status, createHash("sha256").update(bytes).digest("hex"));
	return bytes.toString();
};

for (const target of process.argv.slice(2)) {
	const [base] = target.split(" ");
	const index = await note("index", await fetch(base));
	for (const [, name] of index.matchAll(/(?:href|src)="([^"]+)"/g)) await note(name, await fetch(base + name));
	await note("form", await fetch(`${base}form`, { method: "POST", body: new URLSearchParams({ a: "1" }) }));
	const isSecure = base.startsWith("https:");
	const socket = new WebSocket(`${base.replace(/^http/, "ws")}talk`, { agent: (isSecure ? https : http).globalAgent });
	const said = [];
	await new Promise((resolve, reject) => {
		socket
			.on("open", () => socket.send("hello"))
			.on("error", reject)
			.on("close", resolve);
		socket.on("message", (data) => {
			said.push(data.toString());
			if (said.length === 2) socket.close();
		});
	});
	console.log("talk", said.join());
	console.log("protocol HTTP/1.1");
}
