// Peers that read nothing, send single bytes, or send highly compressed bodies cost little memory, and do not delay
// others.

import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { brotliCompressSync, gzipSync, constants as zlib } from "node:zlib";
import t, { type Test } from "tap";
import { httpFlow, websocketFlow } from "../../fixtures/build-flow.ts";
import { Cli } from "../../fixtures/cli.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

const MIB = 1024 * 1024;
/** The memory that a process may use beyond that of an idle one. */
const ROOM = 300 * MIB;
const noProcfs = process.platform === "linux" ? false : "the memory of a process is read from /proc";

class Victim {
	readonly cli: Cli;
	readonly port: number;
	readonly #idle: number;
	readonly #sockets: Socket[] = [];

	private constructor(cli: Cli, port: number) {
		this.cli = cli;
		this.port = port;
		this.#idle = this.#peak();
	}

	static async start(cwd: string, argv: readonly string[]): Promise<Victim> {
		const cli = new Cli([...argv, "--listen-port", "0"], { cwd, bare: true });
		const line = await cli.line(/listening/i);
		return new Victim(cli, Number(/:(\d+)/.exec(line)?.[1]));
	}

	#peak(): number {
		return 1024 * Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${this.cli.process.pid}/status`, "latin1"))?.[1]);
	}

	/** Memory beyond that of the idle process, in bytes. */
	get taken(): number {
		return this.#peak() - this.#idle;
	}

	/** A client that reads nothing. */
	connect(): Socket {
		const socket = connect(this.port, "127.0.0.1");
		socket.on("error", () => {});
		socket.pause();
		this.#sockets.push(socket);
		return socket;
	}

	/** Writes all bytes, however slowly the proxy reads them; resolves early if it stops reading. */
	async send(socket: Socket, bytes: string | Buffer): Promise<void> {
		await Promise.race([new Promise<void>((resolve) => void socket.write(bytes, () => resolve())), pause(3000)]);
	}

	/** The status line of the response to another client. */
	async ask(url: string, method = "GET", head = "", body: Buffer | string = ""): Promise<string> {
		const socket = connect(this.port, "127.0.0.1");
		socket.write(`${method} ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n${head}\r\n`);
		socket.write(body);
		let got = "";
		for await (const chunk of socket) got += (chunk as Buffer).latin1Slice();
		return got.slice(0, got.indexOf("\r\n"));
	}

	async end(t: Test, room = ROOM): Promise<void> {
		t.ok(this.taken < room, `${Math.round(this.taken / MIB)} MiB above idle`);
		this.cli.process.kill("SIGINT");
		const { status, err } = await this.cli.ended;
		t.equal(status, 0, err);
		for (const socket of this.#sockets) socket.destroy();
	}
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const get = (url: string) => `GET ${url} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

async function tape(t: Test, flows: readonly object[]): Promise<string> {
	const folder = t.testdir();
	writeFileSync(`${folder}/x.jsonl`, flows.map((flow) => `${JSON.stringify(flow)}\n`).join(""));
	t.equal((await new Cli(["convert", "x.jsonl", "x.tape"], { cwd: folder }).ended).status, 0);
	return folder;
}

const answer = (url: string, body: string) => ({
	request: { method: "GET", url },
	response: { status: 200, headers: [["Content-Type", "text/plain"]], body },
});

const small = answer("http://a.test/s", "small");

t.test("pipelined requests whose responses are not read", { skip: noProcfs }, async (t) => {
	const cwd = await tape(t, [answer("http://a.test/big", "b".repeat(196_000)), small]);
	const proxy = await Victim.start(cwd, ["replay-server", "x.tape", "--reuse"]);
	const [plain, tunnelled, reader] = [proxy.connect(), proxy.connect(), proxy.connect()];
	const sent = [
		proxy.send(plain, get("http://a.test/big").repeat(3000)),
		proxy.send(tunnelled, `CONNECT a.test:80 HTTP/1.1\r\n\r\n${get("/big").repeat(3000)}`),
		proxy.send(reader, (get("http://a.test/big") + get("http://a.test/s")).repeat(100)),
	];
	t.match(await proxy.ask("http://a.test/s"), / 200 /);
	await Promise.all(sent);
	t.match(await proxy.ask("http://a.test/s"), / 200 /);
	// a client that reads at the end gets all responses, in order
	let got = "";
	reader.end();
	for await (const chunk of reader) got += (chunk as Buffer).latin1Slice();
	const bodies = got.split(/HTTP\/1\.1 200 (?:OK)?\r\n.*?\r\n\r\n/s).slice(1);
	t.strictSame(
		bodies.map((body) => `${body[0]}${body.length}`),
		Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? "b196000" : "s5")),
	);
	await proxy.end(t);
});

t.test("large bodies with slow readers", { skip: noProcfs }, async (t) => {
	const cwd = await tape(t, [answer("http://a.test/large", "l".repeat(50 * MIB)), small]);
	const proxy = await Victim.start(cwd, ["replay-server", "x.tape", "--reuse"]);
	const slow = Array.from({ length: 20 }, () => proxy.connect());
	for (const socket of slow) socket.write(get("http://a.test/large"));
	t.match(await proxy.ask("http://a.test/s"), / 200 /);
	await Promise.all(slow.map((socket) => new Promise((resolve) => socket.once("readable", resolve))));
	t.match(await proxy.ask("http://a.test/s"), / 200 /);
	let size = 0;
	for await (const chunk of slow[0] as Socket) {
		size += (chunk as Buffer).length;
		if (size > 50 * MIB) break;
	}
	t.ok(size > 50 * MIB, "a client that reads at the end gets everything");
	await proxy.end(t);
});

t.test("pipelined requests for mapped files and flowtape's own pages", { skip: noProcfs }, async (t) => {
	const cwd = t.testdir({ files: { large: "f".repeat(450_000) } });
	const proxy = await Victim.start(cwd, ["record", "x.tape", "--map-local", "|//m.test/|files"]);
	const [files, pages] = [proxy.connect(), proxy.connect()];
	const sent = [
		proxy.send(files, get("http://m.test/large").repeat(3000)),
		proxy.send(pages, get("http://flowtape.invalid/").repeat(30_000)),
	];
	t.match(await proxy.ask("http://flowtape.invalid/"), / 200 /);
	await Promise.all(sent);
	t.match(await proxy.ask("http://flowtape.invalid/"), / 200 /);
	await proxy.end(t);
});

t.test("bodies in chunks of one byte, in both directions", { skip: noProcfs }, async (t) => {
	const server = createTcpServer((socket) => {
		socket.on("error", () => {});
		socket.once("data", () => {
			socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
			socket.write("1\r\nx\r\n".repeat(3 * MIB));
		});
	}).listen(0, "127.0.0.1");
	const honest = createServer((_request, response) => void response.end("ok")).listen(0, "127.0.0.1");
	t.teardown(() => server.close() && honest.close());
	await Promise.all(
		[server, honest].map((each) => each.listening || new Promise((resolve) => each.once("listening", resolve))),
	);
	const [slow, ok] = [server, honest].map((each) => `http://127.0.0.1:${(each.address() as AddressInfo).port}/`) as [
		string,
		string,
	];
	const cwd = t.testdir();
	const proxy = await Victim.start(cwd, ["record", "x.tape"]);
	proxy.connect().resume().write(get(slow));
	const sent = Array.from({ length: 10 }, () =>
		proxy.send(
			proxy.connect(),
			`POST ${ok} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(500_000)}`,
		),
	);
	t.match(await proxy.ask(ok), / 200 /);
	await Promise.all(sent);
	t.match(await proxy.ask(ok), / 200 /);
	await proxy.end(t);
});

/** The frames of a client that sends this many requests at once, with heads of 14 kB. */
function http2Requests(count: number): Buffer {
	const frame = (type: number, flags: number, stream: number, payload: Buffer) => {
		const head = Buffer.alloc(9);
		head.writeUIntBE(payload.length, 0, 3);
		head.writeUInt16BE((type << 8) | flags, 3);
		head.writeUInt32BE(stream, 5);
		return Buffer.concat([head, payload]);
	};
	// :method GET, :scheme http, :path /, :authority a; then literals whose lengths are 2 and 127 + 7 * 128 + 0
	const large = Array.from({ length: 14 }, (_, i) => {
		const name = `x${String.fromCharCode(97 + i)}`;
		return Buffer.concat([
			Buffer.of(0, 2),
			Buffer.from(name),
			Buffer.of(127, 0x80, 7),
			Buffer.alloc(127 + 7 * 128, "y"),
		]);
	});
	const fields = Buffer.concat([Buffer.of(0x82, 0x86, 0x84, 0x01, 1, 97), ...large]);
	return Buffer.concat([
		Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		frame(4, 0, 0, Buffer.alloc(0)),
		...Array.from({ length: count }, (_, i) => frame(1, 5, 2 * i + 1, fields)),
	]);
}

t.test("requests with large heads, which the server does not answer", { skip: noProcfs }, async (t) => {
	const hole = createTcpServer((socket) => void socket.on("error", () => {}).resume()).listen(0, "127.0.0.1");
	const honest = createServer((_request, response) => void response.end("ok")).listen(0, "127.0.0.1");
	t.teardown(() => hole.close() && honest.close());
	await Promise.all([hole, honest].map((each) => each.listening || once(each, "listening")));
	const [deaf, ok] = [hole, honest].map((each) => `127.0.0.1:${(each.address() as AddressInfo).port}`);
	const fields = Array.from({ length: 1900 }, (_, i) => `X${i}: ${"y".repeat(110)}\r\n`).join("");
	for (const [name, count, bytes] of [
		["HTTP/1.1", 1000, Buffer.from(`GET http://${deaf}/ HTTP/1.1\r\nHost: ${deaf}\r\n${fields}\r\n`)],
		["HTTP/2", 100, Buffer.concat([Buffer.from(`CONNECT ${deaf} HTTP/1.1\r\n\r\n`), http2Requests(250)])],
	] as const) {
		const proxy = await Victim.start(t.testdir(), ["record", "x.tape"]);
		const sent = Array.from({ length: count }, () => proxy.send(proxy.connect(), bytes));
		t.match(await proxy.ask(`http://${ok}/`), / 200 /, name);
		await Promise.all(sent);
		t.match(await proxy.ask(`http://${ok}/`), / 200 /, name);
		await proxy.end(t);
	}
});

t.test("uploads that are answered or held up before their end", { skip: noProcfs }, async (t) => {
	const cwd = t.testdir({
		"slow.mjs": `export async function requestheaders({ request }) {
			if (request.path === "/slow") await new Promise((resolve) => setTimeout(resolve, 2000));
		}`,
	});
	const upload = Buffer.alloc(400 * MIB);
	const origin = createServer((_request, response) => void response.end("ok")).listen(0, "127.0.0.1");
	t.teardown(() => origin.close());
	await once(origin, "listening");
	const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
	for (const [name, options, status] of [
		["no password", ["--proxyauth", "u:p"], 407],
		["blocked", ["--block-list", "/~m POST/403"], 403],
		["a hook that takes its time", ["-s", "slow.mjs"], null],
	] as const) {
		const proxy = await Victim.start(cwd, ["record", "x.tape", ...options]);
		const client = proxy.connect();
		client.write(`POST ${url}/slow HTTP/1.1\r\nHost: a\r\nContent-Length: ${upload.length}\r\n\r\n`);
		const sent = proxy.send(client, upload);
		t.match(await proxy.ask(`${url}/`), status === 407 ? / 407 / : / 200 /, name);
		await sent;
		if (status === null) client.destroy();
		else t.match(String((await once(client.resume(), "data"))[0]), `HTTP/1.1 ${status} `, name);
		await proxy.end(t);
	}
});

t.test("highly compressed requests, while their recordings are searched", { skip: noProcfs }, async (t) => {
	const post = {
		request: {
			method: "POST",
			url: "http://a.test/j",
			headers: [["Content-Type", "application/json"]],
			body: '{"a":1}',
		},
		response: small.response,
	};
	const cwd = await tape(t, [post, small]);
	const blanks = Buffer.alloc(250_000_000, " ");
	const bombs: [coding: string, bytes: Buffer][] = [
		["br", brotliCompressSync(blanks, { params: { [zlib.BROTLI_PARAM_QUALITY]: 1 } })],
		["gzip", gzipSync(Buffer.alloc(20_000_000, "["), { level: 1 })],
	];
	const proxy = await Victim.start(cwd, ["replay-server", "x.tape", "--reuse", "--match-content", "meaning"]);
	for (const [coding, bytes] of bombs) {
		const head = `Content-Type: application/json\r\nContent-Encoding: ${coding}\r\nContent-Length: ${bytes.length}\r\n`;
		const asked = Array.from({ length: 5 }, () => proxy.ask("http://a.test/j", "POST", head, bytes));
		t.match(await proxy.ask("http://a.test/s"), / 200 /);
		t.match((await Promise.all(asked)).join(), /404/);
	}
	const coded = gzipSync('{ "a" : 1 }');
	t.match(
		await proxy.ask("http://a.test/j", "POST", `Content-Encoding: gzip\r\nContent-Length: ${coded.length}\r\n`, coded),
		/ 200 /,
	);
	await proxy.end(t);
});

t.test("large bodies that a rule modifies", { skip: noProcfs }, async (t) => {
	const body = Buffer.alloc(30 * MIB, '{"id":1,"name":"some item"},\n');
	const server = createServer((request, response) => void response.end(request.url === "/small" ? "ok" : body)).listen(
		0,
		"127.0.0.1",
	);
	t.teardown(() => server.close());
	await once(server, "listening");
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	// the second pattern can match at any character, so the whole body is searched
	const rules = ["/~u literal/some item/another", "/~u lazy/some.*?item/another"];
	const proxy = await Victim.start(t.testdir(), [
		"record",
		"x.tape",
		...rules.flatMap((rule) => ["--modify-body", rule]),
	]);
	const got = Array.from({ length: 12 }, async (_, i) => {
		const socket = proxy.connect();
		socket.write(get(`${url}/${i < 9 ? "literal" : "lazy"}`).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
		let size = 0;
		for await (const chunk of socket) size += (chunk as Buffer).length;
		return size;
	});
	t.match(await proxy.ask(`${url}/small`), / 200 /);
	for (const size of await Promise.all(got)) t.ok(size > 0.9 * body.length && size < body.length);
	t.match(await proxy.ask(`${url}/small`), / 200 /);
	await proxy.end(t, 250 * MIB);
});

t.test("long WebSockets recorded to a format that stores only complete flows", { skip: noProcfs }, async (t) => {
	const upgraded = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
	const server = createServer((_request, response) => void response.end("ok"))
		.on("upgrade", (_request, socket: Socket) => {
			socket.on("error", () => {}).on("end", () => socket.end());
			socket.resume().write(upgraded);
		})
		.listen(0, "127.0.0.1");
	t.teardown(() => server.close());
	await once(server, "listening");
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
	const cwd = t.testdir();
	const proxy = await Victim.start(cwd, ["record", "x.jsonl"]);
	// an unmasked frame of 1 MiB
	const message = Buffer.concat([Buffer.of(0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 0), Buffer.alloc(MIB, "m")]);
	const upgrade =
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
	const said = Array.from({ length: 16 }, async () => {
		const socket = proxy.connect();
		socket.write(get(url).replace("\r\n\r\n", `\r\n${upgrade}\r\n\r\n`));
		await once(socket, "readable");
		for (let i = 0; i < 20; i++) await new Promise((resolve) => socket.write(message, resolve));
		return socket;
	});
	t.match(await proxy.ask(url), / 200 /);
	// the server closes a connection once it has received everything
	for (const socket of await Promise.all(said)) await once(socket.resume().end(), "close");
	t.match(await proxy.ask(url), / 200 /);
	await proxy.end(t);
	t.ok(statSync(`${cwd}/x.jsonl`).size > 16 * 20 * MIB, "the body is complete");
});

t.test("a recorded WebSocket with large messages and slow readers", { skip: noProcfs }, async (t) => {
	const cwd = t.testdir();
	const content = Buffer.alloc(12 * MIB, "message ");
	const messages = Array.from({ length: 40 }, () => ({ content, opcode: 2 }));
	await writeTape(`${cwd}/x.tape`, [websocketFlow({ messages }), httpFlow({ request: { path: "/s" } })]);
	const proxy = await Victim.start(cwd, ["replay-server", "x.tape", "--reuse"]);
	const upgrade =
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
	const clients = Array.from({ length: 5 }, () => proxy.connect());
	for (const socket of clients)
		socket.write(get("http://example.com/").replace("a.test\r\n\r\n", `example.com\r\n${upgrade}\r\n\r\n`));
	t.match(await proxy.ask("http://example.com/s"), / 200 /);
	const total = messages.length * content.length;
	// all clients receive a part; then the first receives the rest while the others wait
	const received = async (socket: Socket, least: number) => {
		for (let size = 0; size < least; ) {
			const chunk = socket.read() as Buffer | null;
			if (chunk === null) await once(socket, "readable");
			else size += chunk.length;
		}
	};
	for (const socket of clients) await received(socket, 20 * MIB);
	t.match(await proxy.ask("http://example.com/s"), / 200 /);
	await received(clients[0] as Socket, total - 21 * MIB);
	await proxy.end(t);
});
