// A site of a hundred pages with images, a style sheet, a form, an event stream and a WebSocket, over HTTP, and over
// HTTPS with HTTP/1.1 and HTTP/2. Pages contain a counter, so a page that is served twice must come from a recording.
// The first folder of a path does not matter: the site is the same below each.
import { createServer } from "node:http";
import { createSecureServer } from "node:http2";
import { crc32, deflateSync } from "node:zlib";
import { WebSocketServer } from "ws";

const PAGES = 100;
const IMAGES = 10;
const range = (count) => Array.from({ length: count }, (_, i) => i);

/** The references of the first page. A client must have fetched them and the page. */
const references = [
	"style.css",
	...range(IMAGES).map((i) => `image/${i}.png`),
	...range(PAGES).map((i) => `page/${i}`),
	"events",
];

let count = 0;
const html = (title, body, folder = "") =>
	`<!doctype html><title>${title}</title><link rel=stylesheet href="${folder}style.css"><h1>${title} ${++count}</h1>${body}`;

/** An image of one colour. */
function png(shade) {
	const chunk = (type, data) => {
		const body = Buffer.concat([Buffer.from(type), data]);
		const frame = Buffer.alloc(8);
		frame.writeUInt32BE(data.length, 0);
		frame.writeUInt32BE(crc32(body), 4);
		return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
	};
	const head = Buffer.from([0, 0, 0, 8, 0, 0, 0, 8, 8, 0, 0, 0, 0]);
	const rows = deflateSync(Buffer.concat(range(8).map(() => Buffer.from([0, ...range(8).map(() => shade)]))));
	return Buffer.concat([
		Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
		chunk("IHDR", head),
		chunk("IDAT", rows),
		chunk("IEND", Buffer.alloc(0)),
	]);
}

/**
 * A page whose script makes the browser visit each page in a frame, the event stream, the WebSocket and the form, and
 * send the result to `report`.
 */
const tour = (report) => `<!doctype html><title>tour</title><iframe id=frame></iframe><script type=module>
const seen = [];
const note = async (name, text) => {
	const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
	seen.push(name + " " + [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
};
const index = await (await fetch("./")).text();
await note("index", index);
const frame = document.getElementById("frame");
for (const [, name] of index.matchAll(/(?:href|src)="([^"]+)"/g)) {
	if (!name.startsWith("page/")) continue;
	await new Promise((resolve) => { frame.onload = resolve; frame.src = name; });
	const image = frame.contentDocument.images[0];
	await note(name, frame.contentDocument.documentElement.outerHTML + image.naturalWidth + getComputedStyle(frame.contentDocument.body).color);
}
await note("form", await (await fetch("form", { method: "POST", body: new URLSearchParams({ a: "1" }) })).text());
await note("events", await new Promise((resolve, reject) => {
	const parts = [];
	const source = new EventSource("events");
	source.onmessage = ({ data }) => parts.push(data);
	source.addEventListener("end", () => { source.close(); resolve(parts.join()); });
	source.onerror = () => reject(new Error("the event stream broke"));
}));
await note("talk", await new Promise((resolve, reject) => {
	const parts = [];
	const socket = new WebSocket(new URL("talk", location.href).href.replace(/^http/, "ws"));
	socket.onopen = () => socket.send("hello");
	socket.onerror = () => reject(new Error("the WebSocket failed"));
	socket.onmessage = ({ data }) => { parts.push(data); if (parts.length === 2) { socket.close(); resolve(parts.join()); } };
}));
seen.push("protocol " + performance.getEntriesByType("navigation")[0].nextHopProtocol);
await fetch("${report}" + location.search, { method: "POST", mode: "no-cors", body: seen.join("\\n") });
</script>`;

function answer(path, body, report) {
	const [, name = ""] = /^\/[^/]*\/([^?]*)/.exec(path) ?? [];
	const [kind, number = ""] = name.split(/[/.]/);
	switch (kind) {
		case "":
			return ["text/html", html("index", references.map((to) => `<a href="${to}">${to}</a>`).join(" "))];
		case "page":
			return [
				"text/html",
				html(
					`page ${number}`,
					`<img src="../image/${number % IMAGES}.png"><p>${"text ".repeat(Number(number))}`,
					"../",
				),
			];
		case "image":
			return ["image/png", png(Number(number) * 20)];
		case "style":
			return ["text/css", "body { color: rgb(0, 128, 0) }"];
		case "form":
			return ["text/plain", `${body} ${++count}`];
		case "tour":
			return ["text/html", tour(report)];
		default:
			return null;
	}
}

/** Sends three events and an end, one after the other. */
async function sendEvents(response) {
	response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
	for (const i of range(3)) {
		response.write(`data: ${i} ${++count}\n\n`);
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
	response.end("event: end\ndata: over\n\n");
}

/** Starts the site. `report`: the URL to which browsers send their reports. */
export async function startSite(tls, report) {
	const talk = new WebSocketServer({ noServer: true });
	const serve = (request, response) => {
		const parts = [];
		request.on("data", (part) => parts.push(part));
		request.on("end", () => {
			if (request.url.endsWith("/events")) return void sendEvents(response);
			const found = answer(request.url, Buffer.concat(parts).toString(), report);
			const [type, body] = found ?? ["text/plain", "not here"];
			const isKept = /^(?:image|text\/css)/.test(type);
			response.writeHead(found === null ? 404 : 200, {
				"content-type": type,
				"cache-control": isKept ? "max-age=3600" : "no-store",
			});
			response.end(body);
		});
	};
	const upgrade = (request, socket, head) => {
		talk.handleUpgrade(request, socket, head, (peer) => {
			peer.on("message", (data) => {
				peer.send(`you said ${data}`);
				peer.send(`number ${++count}`);
			});
		});
	};
	const servers = [createServer(serve), createSecureServer({ ...tls, allowHTTP1: true }, serve)];
	const sockets = new Set();
	for (const server of servers) {
		server
			.on("upgrade", upgrade)
			.on("connection", (socket) => sockets.add(socket.on("close", () => sockets.delete(socket))));
		await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	}
	const [plain, secure] = servers.map((server) => server.address().port);
	return {
		plain,
		secure,
		stop() {
			for (const server of servers) server.close();
			for (const socket of sockets) socket.destroy();
		},
	};
}
