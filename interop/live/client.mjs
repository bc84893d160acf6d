// A client that sends the requests of a scenario through a proxy in any mode, and stores the responses.
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { WebSocket } from "ws";
import { ByteReader, readMessage } from "./messages.mjs";
import { PROBE, pairs } from "./origin.mjs";

const TIMEOUT_MS = 8000;

/**
 * Sends the requests of a scenario through one connection. Returns what the client saw, and the connection's local port.
 * `way`: `{ mode, port, host, to, isTls, alpn, sni, connectFields, login }`, where `host` and `to` are the requested
 * host, and host and port.
 */
export async function converse(way, row) {
	const socket = connect(way.port, "127.0.0.1").on("error", () => {});
	const sockets = [socket];
	const seen = {};
	let localPort;
	const timer = setTimeout(() => {
		seen.hangs = true;
		for (const one of sockets) one.destroy();
	}, TIMEOUT_MS);
	try {
		await once(socket, "connect");
		localPort = socket.localPort;
		const reached = await reach(socket, way, sockets, seen);
		if (reached === null) return { seen, localPort };
		if (row.talk) await talk(reached, way, row, seen);
		else if (seen.tls?.alpn === "h2") await askHttp2(reached, way, row, seen);
		else await askHttp1(reached, way, row, seen);
	} catch (error) {
		seen.error = error.code ?? error.message;
	} finally {
		clearTimeout(timer);
		for (const one of sockets) one.destroy();
	}
	return { seen, localPort };
}

/** The socket for the requests, in a tunnel if the mode needs one; null if the proxy refuses the tunnel. */
async function reach(connection, way, sockets, seen) {
	let socket = connection;
	if (way.mode === "socks5" && !(await greet(socket, way, seen))) return null;
	const isProxy = way.mode === "regular" || way.mode === "upstream";
	if (isProxy && (way.isTls || way.isTunnel)) {
		const fields = (way.connectFields ?? []).map(([name, value]) => `${name}: ${value}\r\n`).join("");
		socket.write(`CONNECT ${way.to} HTTP/1.1\r\nHost: ${way.to}\r\n${fields}\r\n`);
		const reader = new ByteReader(socket);
		const head = await reader.until("\r\n\r\n");
		seen.connect = head ?? "closed";
		if (!seen.connect.startsWith("HTTP/1.1 200")) return null;
		socket.removeAllListeners("data");
	}
	if (!way.isTls) return socket;
	socket = connectTls({
		socket,
		servername: way.sni ?? (/^[\d.]+$/.test(way.host) ? "" : way.host),
		ALPNProtocols: way.alpn,
		rejectUnauthorized: false,
		...way.tls,
	});
	sockets.push(socket);
	socket.on("error", () => {});
	const isOpen = await Promise.race([
		once(socket, "secureConnect").then(() => true),
		once(socket, "close").then(() => false),
	]).catch(() => false);
	seen.tls = isOpen ? shown(socket) : "refused";
	return isOpen ? socket : null;
}

/** What the client sees of the proxy's TLS. */
function shown(socket) {
	const { subject, subjectaltname } = socket.getPeerCertificate();
	const names = subjectaltname?.split(", ").sort() ?? [];
	return { alpn: socket.alpnProtocol || null, version: socket.getProtocol(), subject: { ...subject }, names };
}

/** The SOCKS5 handshake (RFC 1928, RFC 1929). */
async function greet(socket, { host, to, login }, seen) {
	const reader = new ByteReader(socket);
	const text = (value) => String.fromCharCode(value.length) + value;
	socket.write(login === undefined ? "\x05\x01\x00" : "\x05\x01\x02", "latin1");
	seen.socks = [hex(await reader.take(2))];
	if (seen.socks[0] !== (login === undefined ? "0500" : "0502")) return false;
	if (login !== undefined) {
		socket.write(`\x01${login.map(text).join("")}`, "latin1");
		seen.socks.push(hex(await reader.take(2)));
		if (seen.socks[1] !== "0100") return false;
	}
	const port = Number(to.split(":").at(-1));
	const address = /^[\d.]+$/.test(host)
		? `\x01${String.fromCharCode(...host.split(".").map(Number))}`
		: `\x03${text(host)}`;
	socket.write(`\x05\x01\x00${address}${String.fromCharCode(port >> 8, port & 255)}`, "latin1");
	seen.socks.push(hex((await reader.take(10)).slice(0, 2)));
	socket.removeAllListeners("data");
	return seen.socks.at(-1) === "0500";
}

const hex = (text) => Buffer.from(text, "latin1").toString("hex");

/**
 * The bytes of a request in HTTP/1.1. `{to}` stands for the beginning of its target, `{host}` for its host and port.
 */
function written(ask, { host = "{host}" } = {}) {
	if (ask.bytes !== undefined) return ask.bytes;
	const own = ask.fields.some(([name]) => /^host$/i.test(name)) ? [] : [["Host", host]];
	const sizing = ask.body === null || ask.fields.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
	const fields = [...own, ...ask.fields, ...(sizing ? [] : [["Content-Length", String(ask.body.length)]])];
	return `${ask.method} {to}${ask.path} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${ask.body ?? ""}`;
}

async function askHttp1(socket, way, row, seen) {
	const reader = new ByteReader(socket);
	const isAbsolute = (way.mode === "regular" || way.mode === "upstream") && !way.isTls && !way.isTunnel;
	const send = (ask) =>
		socket.write(
			written(ask)
				.replaceAll("{to}", isAbsolute ? `http://${way.to}` : "")
				.replaceAll("{host}", way.to),
			"latin1",
		);
	seen.answers = [];
	if (row.isPipelined) for (const ask of row.asks) send(ask);
	for (const ask of row.asks) {
		if (!row.isPipelined) send(ask);
		const message = await readAnswer(reader, ask.method, seen);
		seen.answers.push(message ?? "closed");
		if (message === null) return;
	}
	if (row.isProbed === false) return;
	send({ method: "GET", path: PROBE, fields: [], body: null });
	const probe = await readMessage(reader, "GET");
	seen.closes = probe === null || probe.isCut === true;
}

async function readAnswer(reader, method, seen) {
	for (;;) {
		const message = await readMessage(reader, method);
		if (message === null || !/^HTTP\/1\.\d 1\d\d/.test(message.head) || / 101 /.test(message.head.slice(0, 13)))
			return message;
		seen.interim = [...(seen.interim ?? []), message.head];
	}
}

async function askHttp2(socket, way, row, seen) {
	const session = connectHttp2(`https://${way.to}`, { createConnection: () => socket });
	session.on("error", () => {});
	seen.answers = [];
	for (const ask of row.asks) seen.answers.push(await askStream(session, way, ask));
	session.destroy();
}

async function askStream(session, way, { method, path, fields, body, trailers }) {
	const headers = { ":method": method, ":path": path, ":scheme": "https", ":authority": way.to };
	for (const [name, value] of fields)
		headers[name] = headers[name] === undefined ? value : [headers[name], value].flat();
	const stream = session.request(headers, { endStream: body === null, waitForTrailers: trailers !== undefined });
	if (trailers !== undefined) stream.on("wantTrailers", () => stream.sendTrailers(trailers));
	if (body !== null) stream.end(body, "latin1");
	const answer = { fields: null, body: "" };
	stream.on("response", (_fields, _flags, raw) => (answer.fields = pairs(raw)));
	stream.on("trailers", (_fields, _flags, raw) => (answer.trailers = pairs(raw)));
	stream.on("data", (chunk) => (answer.body += chunk.toString("latin1")));
	stream.on("error", () => {});
	await new Promise((resolve) => {
		stream.on("close", resolve);
		session.on("close", resolve);
	});
	return { ...answer, ...(stream.rstCode && { reset: stream.rstCode }) };
}

/** A constant mask, the same on both sides. */
function generateMask(mask) {
	mask.fill(7);
}

/** A WebSocket client: sends each message after the answer to the previous one, and closes as the scenario says. */
async function talk(socket, way, { talk: messages, offer = false, code = 1000, reason = "done" }, seen) {
	const isAbsolute = (way.mode === "regular" || way.mode === "upstream") && !way.isTls && !way.isTunnel;
	const finishRequest = (request) => {
		if (isAbsolute) request.path = `http://${way.to}/talk`;
		request.end();
	};
	const peer = new WebSocket(`ws://${way.to}/talk`, {
		createConnection: () => socket,
		perMessageDeflate: offer,
		finishRequest,
		generateMask,
	});
	seen.messages = [];
	peer.on("error", (error) => (seen.error = error.message));
	const end = new Promise((resolve) => {
		peer.on("close", (...closed) => {
			seen.close = [closed[0], closed[1].toString()];
			resolve();
		});
	});
	peer.on("upgrade", ({ rawHeaders, statusCode }) => (seen.upgrade = [statusCode, ...pairs(rawHeaders)]));
	let sent = 0;
	const next = () => {
		if (sent === messages.length) peer.close(code, reason);
		else peer.send(messages[sent++]);
	};
	peer.on("open", next);
	peer.on("message", (data, isBinary) => {
		seen.messages.push([data.toString("latin1"), isBinary]);
		next();
	});
	await end;
}
