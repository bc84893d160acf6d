// The rules of RFC 6455, in the order of the Autobahn test suite. Valid messages to an echo server come back through
// flowtape; invalid ones end in the Close frame that the RFC requires. With a script, flowtape parses every message.
// Without one it passes the bytes on, and `ws` at the other end validates them.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket, WebSocketServer } from "ws";
import { discard } from "../fixtures/make/discard.mjs";
import { startFlowtape } from "./peers/proxies.mjs";
import { check, reportTally } from "./peers/tally.mjs";
import { cases, serverFaults } from "./websocket/cases.mjs";
import { FrameReader } from "./websocket/frames.mjs";

const TIMEOUT_MS = 10_000;
const scratch = mkdtempSync(join(tmpdir(), "flowtape-websocket-"));
const env = { ...process.env, FLOWTAPE_HOME: join(scratch, "home") };
const script = join(scratch, "noop.mjs");
writeFileSync(script, "export function websocket_message() {}\n");

const origin = createServer();
const echo = new WebSocketServer({ server: origin, perMessageDeflate: { threshold: 0 } });
echo.on("connection", (socket) => {
	socket
		.on("message", (data, isBinary) => socket.send(data, { binary: isBinary, compress: true }))
		.on("error", () => {});
});
/** A server that sends the bytes in its path, in hexadecimal, as soon as a client connects. */
const unclean = createServer().on("upgrade", (request, socket) => {
	const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
	socket.write(
		`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
	);
	socket.write(Buffer.from(request.url.slice(1), "hex"));
	const reader = new FrameReader();
	socket.on("data", (bytes) => reader.push(bytes)).on("error", () => {});
	socket.on("end", () => socket.end());
	socket.on("close", () => unclean.emit("left", reader.closeCode));
});

try {
	for (const server of [origin, unclean]) await once(server.listen(0, "127.0.0.1"), "listening");
	for (const [name, args] of [
		["passed on", []],
		["read by a script", ["-s", script]],
	]) {
		const proxy = await startFlowtape(
			"record",
			join(scratch, `${args.length}.tape`),
			["-m", reverse(origin), ...args],
			{ env },
		);
		for (const one of cases) {
			await check(`${name}: ${one.name}`, () => hold(proxy.port, one));
		}
		for (const size of [0, 16, 1024, 65536, 1_000_000])
			await check(`${name}: 12 compressed, ${size} bytes`, () => echoCompressed(proxy.port, size));
		await proxy.stop();
	}
	const proxy = await startFlowtape("record", join(scratch, "unclean.tape"), ["-m", reverse(unclean), "-s", script], {
		env,
	});
	for (const one of serverFaults) {
		await check(`from the server: ${one.name}`, async () => {
			const left = once(unclean, "left");
			assert.equal((await converse(proxy.port, `/${one.bytes.toString("hex")}`, Buffer.alloc(0))).code, one.code);
			assert.equal((await left)[0], one.code);
		});
	}
	await proxy.stop();
} finally {
	origin.close();
	unclean.close();
	echo.close();
	await discard(scratch);
}
reportTally();

/**
 * Sends the bytes of a case and checks the answer. Messages before a fault may be lost with it: RFC 6455 section 7.1.7
 * lets the connection end at once.
 */
async function hold(port, { bytes, messages, code, isFault }) {
	const found = await converse(port, "/", bytes);
	assert.equal(found.code, code);
	if (!isFault || found.messages.length > 0) assert.deepEqual(found.messages, messages);
}

function reverse(server) {
	return `reverse:http://127.0.0.1:${server.address().port}`;
}

/** Sends bytes to a WebSocket; resolves to the received frames when the connection is closed. */
async function converse(port, path, bytes) {
	const socket = connect(port, "127.0.0.1");
	const key = "dGhlIHNhbXBsZSBub25jZQ==";
	socket.write(
		`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
	);
	const reader = new FrameReader();
	let head = "";
	const closed = new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(new Error("the connection stays open")), TIMEOUT_MS);
		socket.on("close", () => {
			clearTimeout(timer);
			resolve();
		});
		socket.on("error", () => {});
	});
	socket.on("data", (data) => {
		if (!head.endsWith("\r\n\r\n")) {
			const text = head + data.toString("latin1");
			const end = text.indexOf("\r\n\r\n");
			if (end < 0) {
				head = text;
				return;
			}
			const rest = data.subarray(end + 4 - head.length);
			head = text.slice(0, end + 4);
			socket.write(bytes);
			reader.push(rest);
		} else reader.push(data);
		if (reader.closeCode !== null) socket.end();
	});
	await closed.finally(() => socket.destroy());
	assert.match(head, /^HTTP\/1\.1 101 /);
	return { messages: reader.messages, code: reader.closeCode };
}

async function echoCompressed(port, size) {
	const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: { threshold: 0 } });
	await once(socket, "open");
	assert.match(socket.extensions, /permessage-deflate/);
	for (let round = 0; round < 10; round++) {
		const sent = Buffer.alloc(size, `message ${round} of some text `);
		socket.send(sent, { binary: round % 2 === 1 });
		const [data, isBinary] = await once(socket, "message");
		assert.ok(sent.equals(data));
		assert.equal(isBinary, round % 2 === 1);
	}
	socket.close(1000);
	const [code] = await once(socket, "close");
	assert.equal(code, 1000);
}
