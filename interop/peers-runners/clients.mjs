// The clients of the comparison of test tools, by name: each requests a path of the origin, and resolves to the body.
// Agents, pools and connections are made here, before a tool starts.
import { execFile } from "node:child_process";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import { text } from "node:stream/consumers";
import tls from "node:tls";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import axios from "axios";
import got from "got";
import nodeFetch from "node-fetch";
import superagent from "superagent";
import { Agent, Pool, fetch as undiciFetch, request as undiciRequest } from "undici";
import WebSocket from "ws";

const { HTTP: plain, HTTPS: secure } = process.env;
const pool = new Pool(plain);
const dispatcher = new Agent();
const ownAgent = new http.Agent({ keepAlive: true });

const clients = {
	"`fetch`": async (path) => (await fetch(plain + path)).text(),
	"`fetch`, HTTPS": async (path) => (await fetch(secure + path)).text(),
	"undici, `request`": async (path) => (await undiciRequest(plain + path)).body.text(),
	"undici, own `Agent`": async (path) => (await undiciFetch(plain + path, { dispatcher })).text(),
	"undici, own `Pool`": async (path) => (await pool.request({ path, method: "GET" })).body.text(),
	"`node:http`": (path) => viaNode(http, plain + path),
	"`node:http`, own agent": (path) => viaNode(http, plain + path, { agent: ownAgent }),
	"`node:https`": (path) => viaNode(https, secure + path),
	axios: async (path) => (await axios.get(plain + path, { responseType: "text" })).data,
	got: (path) => got(plain + path, { retry: { limit: 0 } }).text(),
	"node-fetch": async (path) => (await nodeFetch(plain + path)).text(),
	superagent: async (path) => (await superagent.get(plain + path)).text,
	"`node:http2`": viaHttp2,
	"`net.connect`, HTTP by hand": (path) => viaSocket(net.connect(new URL(plain).port, "127.0.0.1"), path),
	"`tls.connect`, HTTP by hand": (path) =>
		viaSocket(tls.connect({ host: "localhost", port: new URL(secure).port, servername: "localhost" }), path),
	"ws, WebSocket": viaWebSocket,
	"worker thread, `fetch`": viaWorker,
	"child process, `fetch`": async (path) =>
		(await promisify(execFile)(process.execPath, ["-e", script("console.log"), plain + path])).stdout.trim(),
};

/** Clients by name. Each gets a path, and resolves to the text of the response. */
export default clients;

function viaNode(module, url, options = {}) {
	return new Promise((resolve, reject) => {
		module.get(url, options, (response) => text(response).then(resolve, reject)).on("error", reject);
	});
}

async function viaHttp2(path) {
	const session = http2.connect(secure);
	try {
		const failed = new Promise((_resolve, reject) => session.on("error", reject));
		return await Promise.race([text(session.request({ ":path": path })), failed]);
	} finally {
		session.destroy();
	}
}

async function viaSocket(socket, path) {
	socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
	const [, body = ""] = (await text(socket)).split("\r\n\r\n");
	return body.replace(/^[\da-f]+\r\n(.*)\r\n0$/s, "$1").trim();
}

async function viaWebSocket(path) {
	const socket = new WebSocket(plain.replace("http", "ws") + path, { handshakeTimeout: 2000 });
	return new Promise((resolve, reject) => {
		socket.on("message", (message) => resolve(String(message))).on("error", reject);
	}).finally(() => socket.terminate());
}

function viaWorker(path) {
	const worker = new Worker(script("require('node:worker_threads').parentPort.postMessage"), {
		eval: true,
		argv: [plain + path],
	});
	return new Promise((resolve, reject) => worker.on("message", resolve).on("error", reject).on("exit", reject));
}

/** A program that fetches its last argument, and gives the text to a function. */
function script(give) {
	return `fetch(process.argv.at(-1)).then((response) => response.text()).then((text) => ${give}(text))`;
}
