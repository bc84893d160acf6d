// The server behind a proxy. It stores the bytes that it receives, and sends the answers of the scenario. It is also
// the upstream proxy, with tunnels to itself. Each side of a comparison has its own.
import { once } from "node:events";
import { createServer as createHttp2 } from "node:http2";
import { connect, createServer } from "node:net";
import { createServer as createTls } from "node:tls";
import { WebSocketServer } from "ws";
import { ByteReader, fieldOf, readMessage, splitAnswer } from "./messages.mjs";

/** The path of a request that tests whether a connection is still open. It is not recorded in the comparison. */
export const PROBE = "/still-there";

/** The bytes of a complete response, one character per byte; by default the origin's standard response. */
export function answer(status = "200 OK", fields = [], body = "hello") {
	const lines = [...fields, ["Content-Length", String(body.length)]].map(([name, value]) => `${name}: ${value}\r\n`);
	return `HTTP/1.1 ${status}\r\n${lines.join("")}\r\n${body}`;
}

/** Bytes after which the connection ends. */
export const last = (text) => ({ text, isLast: true });

export class Origin {
	/** What the origin has received since the scenario began. */
	received = [];
	#answers = [];
	#count = 0;
	#notifyWaiting = () => {};
	#sockets = new Set();
	#servers = [];

	/**
	 * Starts the origin. `tls`: key and certificate; `alpn`: its protocols over TLS; `authority`: makes it request client
	 * certificates.
	 */
	static async start({ tls, alpn = ["http/1.1"], authority, ...limits }) {
		const origin = new Origin();
		const plain = createServer((socket) => origin.#serve(socket, null));
		const secure = createTls({
			...tls,
			...limits,
			ALPNProtocols: alpn,
			...(authority && { ca: authority, requestCert: true, rejectUnauthorized: false }),
		});
		secure.on("secureConnection", (socket) => origin.#serve(socket, factsOf(socket)));
		secure.on("connection", (socket) => origin.#hold(socket));
		origin.#servers = [plain, secure];
		for (const server of origin.#servers) await once(server.listen(0, "0.0.0.0"), "listening");
		[origin.port, origin.tls] = origin.#servers.map((server) => server.address().port);
		return origin;
	}

	begin(answers) {
		this.received = [];
		this.#answers = answers;
		this.#count = 0;
	}

	/** Waits for the end of a WebSocket conversation, which the two ends see at different times. */
	async closed(patienceMs) {
		if (this.received.some(({ close }) => close !== undefined)) return;
		let timer;
		await new Promise((resolve) => {
			this.#notifyWaiting = resolve;
			timer = setTimeout(resolve, patienceMs);
		});
		clearTimeout(timer);
	}

	stop() {
		for (const server of this.#servers) server.close();
		for (const socket of this.#sockets) socket.destroy();
	}

	#hold(socket) {
		this.#sockets.add(socket);
		socket.on("close", () => this.#sockets.delete(socket)).on("error", () => {});
	}

	#next(request) {
		const next = this.#answers[Math.min(this.#count++, this.#answers.length - 1)] ?? answer();
		return typeof next === "function" ? next(request) : next;
	}

	#serve(socket, tls) {
		this.#hold(socket);
		if (tls?.alpn === "h2") this.#serveHttp2(socket, tls);
		else void this.#serveHttp1(socket, tls);
	}

	async #serveHttp1(socket, tls) {
		const reader = new ByteReader(socket);
		for (;;) {
			const message = await readMessage(reader);
			if (message === null || message.isCut) {
				if (message !== null) this.received.push({ ...message, ...(tls && { tls }) });
				socket.end();
				return;
			}
			const [method, target] = message.head.split(" ");
			if (target.endsWith(PROBE)) {
				socket.write(answer());
				continue;
			}
			this.received.push({ ...message, ...(tls && { tls }) });
			if (method === "CONNECT") return this.#tunnel(socket, target);
			if (/^websocket$/i.test(fieldOf(message.head, "upgrade")) && this.#answers.length === 0)
				return this.#talk(socket, message.head);
			const next = await this.#next(message);
			socket.write(next.text ?? next, "latin1");
			if (next.isLast) socket.end();
		}
	}

	#tunnel(socket, target) {
		const refusal = this.#answers[0]?.refuse;
		if (refusal !== undefined) {
			socket.end(refusal);
			return;
		}
		const onward = connect(Number(target.split(":").at(-1)), "127.0.0.1");
		this.#hold(onward);
		socket.removeAllListeners("data");
		socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
		socket.pipe(onward).pipe(socket);
	}

	/** Echoes the messages of a WebSocket. The message `close CODE REASON` makes it close. */
	#talk(socket, head) {
		socket.removeAllListeners("data");
		const fields = splitAnswer(head).fields.map(([name, value]) => [name.toLowerCase(), value]);
		const server = new WebSocketServer({ noServer: true, perMessageDeflate: true });
		const request = { method: "GET", headers: Object.fromEntries(fields) };
		server.handleUpgrade(request, socket, Buffer.alloc(0), (peer) => {
			peer.on("ping", (data) => this.received.push({ ping: data.toString() }));
			peer.on("close", (code, reason) => {
				this.received.push({ close: code, reason: reason.toString() });
				this.#notifyWaiting();
			});
			peer.on("message", (data, isBinary) => {
				this.received.push({ message: data.toString("latin1"), isBinary });
				const [, code, reason] = /^close (\d+) (.*)$/.exec(data) ?? [];
				if (code === undefined) peer.send(data, { binary: isBinary });
				else peer.close(Number(code), reason);
			});
		});
	}

	#serveHttp2(socket, tls) {
		this.#http2 ??= createHttp2().on("stream", (stream, headers, _flags, raw) => {
			const parts = [];
			let trailers;
			stream.on("data", (part) => parts.push(part)).on("trailers", (fields) => (trailers = fields));
			stream.on("error", () => {});
			stream.on("end", () => {
				if (headers[":path"] === PROBE) return respond(stream, answer());
				const request = {
					fields: inOrder(pairs(raw)),
					body: Buffer.concat(parts).toString("latin1"),
					...(trailers && { trailers: { ...trailers } }),
					tls,
				};
				this.received.push(request);
				const next = this.#next(request);
				respond(stream, next.text ?? next, next.trailers);
			});
		});
		this.#http2.emit("connection", socket);
	}

	#http2;
}

function factsOf(socket) {
	const certificate = socket.getPeerCertificate();
	return {
		sni: socket.servername || null,
		// treat a client without ALPN like one that offers HTTP/1.1
		alpn: socket.alpnProtocol || "http/1.1",
		version: socket.getProtocol(),
		...(certificate?.subject && { client: certificate.subject.CN }),
	};
}

function respond(stream, text, trailers) {
	const { status, fields, body } = splitAnswer(text);
	const headers = { ":status": status };
	for (const [name, value] of fields)
		headers[name] = headers[name] === undefined ? value : [headers[name], value].flat();
	stream.respond(headers, { waitForTrailers: trailers !== undefined, sendDate: false });
	if (trailers !== undefined) stream.on("wantTrailers", () => stream.sendTrailers(trailers));
	stream.end(body, "latin1");
}

/** Sorts the pseudo-header fields: their order has no meaning, except that they come before all other fields. */
function inOrder(fields) {
	const isPseudo = (field) => field.startsWith(":");
	return [...fields.filter(isPseudo).sort(), ...fields.filter((field) => !isPseudo(field))];
}

export function pairs(raw) {
	return Array.from({ length: raw.length / 2 }, (_, i) => `${raw[2 * i]}: ${raw[2 * i + 1]}`);
}
