// WebSockets through the proxy of a session, for a page whose WebSockets Playwright intercepts.
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import type { Socket } from "node:net";
import {
	ABNORMAL_CLOSURE,
	BINARY,
	CLOSE,
	closePayload,
	isCloseCode,
	NO_STATUS,
	PING,
	PONG,
	TEXT,
	writeFrame,
} from "../../src/proxy/websocket/frame.ts";
import { MessageReader } from "../../src/proxy/websocket/message-reader.ts";
import { targetOf } from "./proxied-request.ts";

export interface WebSocketEvents {
	message(data: string | Buffer): void;
	/** The server closed it, or the connection broke: then the code is 1006. */
	close(code: number, reason: string): void;
}

/** The client's end of a WebSocket (RFC 6455) through a proxy. */
export class ProxiedWebSocket {
	readonly #socket: Socket;
	#isClosed = false;

	private constructor(socket: Socket, head: Buffer, events: WebSocketEvents) {
		this.#socket = socket;
		const closed = (code: number, reason: string) => {
			if (this.#isClosed) return;
			this.#isClosed = true;
			events.close(code, reason);
			socket.end();
		};
		const reader = new MessageReader(
			{
				message({ opcode, payload }) {
					const bytes = payload.take();
					events.message(opcode === TEXT ? bytes.toString() : bytes);
				},
				control: (opcode, payload) => {
					if (opcode === PING) this.#write(PONG, payload);
					else if (opcode === CLOSE)
						closed(payload.length < 2 ? NO_STATUS : payload.readUInt16BE(0), payload.toString("utf8", 2));
				},
			},
			{ masked: false, compresses: false },
			{ countWaiting() {}, isFull: false },
		);
		const feed = (chunk: Buffer) => {
			try {
				reader.feed(chunk);
			} catch {
				socket.destroy();
			}
		};
		socket.on("data", feed).on("error", () => {});
		socket.on("close", () => closed(ABNORMAL_CLOSURE, ""));
		if (head.length > 0) feed(head);
	}

	/** Rejects if the server refuses the WebSocket. */
	static open(proxy: URL, url: string, events: WebSocketEvents): Promise<ProxiedWebSocket> {
		const target = url.replace(/^ws/, "http");
		const headers = {
			connection: "Upgrade",
			upgrade: "websocket",
			"sec-websocket-key": randomBytes(16).toString("base64"),
			"sec-websocket-version": "13",
		};
		return new Promise((resolve, reject) => {
			const outgoing = request(targetOf(proxy, target, "GET", headers));
			outgoing.on("error", reject);
			outgoing.on("upgrade", (_response, socket: Socket, head) => resolve(new ProxiedWebSocket(socket, head, events)));
			outgoing.on("response", (response) => {
				response.resume();
				reject(new Error(`the WebSocket ${url} was answered with status ${response.statusCode}`));
			});
			outgoing.end();
		});
	}

	send(data: string | Buffer): void {
		this.#write(typeof data === "string" ? TEXT : BINARY, Buffer.from(data));
	}

	/** @param code undefined: none is sent */
	close(code: number | undefined, reason = ""): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		const payload = code !== undefined && isCloseCode(code) ? closePayload(code, reason) : Buffer.alloc(0);
		this.#write(CLOSE, payload);
		this.#socket.end();
	}

	#write(opcode: number, payload: Buffer): void {
		if (this.#socket.writable) this.#socket.write(writeFrame({ opcode }, payload, true));
	}
}
