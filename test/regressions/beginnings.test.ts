// The first bytes of a connection select its protocol. No form of a request evades the rules, nor do bytes that are
// not a request.
import t, { type Test } from "tap";
import { makeAuthorities } from "../../fixtures/authorities.ts";
import { answering, ok, startOrigin } from "../../fixtures/origin-server.ts";
import type { Peer } from "../../fixtures/peer.ts";
import { startTestProxy, type TestProxy } from "../../fixtures/running-proxy.ts";
import { Response } from "../../src/flow/message.ts";
import type { ProxyAuthenticator } from "../../src/hooks/authenticator.ts";
import { options as blockOptions, createBlockList } from "../../src/hooks/block-list.ts";
import type { Hook } from "../../src/hooks/hook.ts";
import { createMapRemote } from "../../src/hooks/map-remote.ts";
import { createProxyAuth } from "../../src/hooks/proxy-auth.ts";
import { defaults } from "../../src/options.ts";

const { proxy: authority } = await makeAuthorities(t);
const auth = await createProxyAuth({ proxyauth: "u:p" }, {});
const block = (await createBlockList({ ...defaults(blockOptions), block_list: ["/~u secret/403"] }, {})) as Hook;
const ALLOWED = "Authorization: Basic dTpw\r\n";
const echo = answering((head) => ok(head));

/** An origin that stores the bytes that it receives, and sends nothing. */
async function listener(t: Test) {
	const origin = await startOrigin(t, async (client) => void (await client.rest().catch(() => {})));
	return { ...origin, seen: () => origin.connections.map(({ seen }) => seen).join("") };
}

const guarded = (t: Test, origin: { authority: string }): Promise<TestProxy> =>
	startTestProxy(t, {
		authority,
		options: { mode: [`reverse:http://${origin.authority}`] },
		hooks: [auth as Hook],
		setup: { authenticator: auth as ProxyAuthenticator },
	});

/** Bytes that are sent one after the other. */
async function dribble(client: Peer, bytes: string): Promise<Peer> {
	for (const byte of bytes) {
		client.send(Buffer.from(byte, "latin1"));
		await new Promise(setImmediate);
	}
	return client;
}

const METHODS = [
	"GET",
	"get",
	"q",
	"X2",
	"GO",
	"FOO_BAR",
	"-GET",
	"M1234567890123456789012",
	"A".repeat(400),
	"*",
	"PRI",
];

t.test("requests after empty lines, and with any token as method, need the password", async (t) => {
	const origin = await startOrigin(t, echo);
	const proxy = await guarded(t, origin);
	for (const before of ["", "\r\n", "\n", "\r\n\r\n\n"])
		for (const method of METHODS) {
			const name = JSON.stringify(`${before}${method.slice(0, 30)}`);
			const client = await proxy.connect();
			const request = `${before}${method} /secret HTTP/1.1\r\nHost: a\r\n`;
			t.match(await client.send(`${request}\r\n`).head(), /^HTTP\/1\.1 401 /, name);
			const other = await proxy.connect();
			t.match(
				(await other.send(`${request}${ALLOWED}\r\n`).message()).body.toString(),
				`${method} /secret HTTP/1.1\r\n`,
				name,
			);
			t.match(
				await other.send(`${request}\r\n`).head(),
				/^HTTP\/1\.1 401 /,
				`${name}: the next request on the connection`,
			);
		}
	for (const request of ["\r\nGET /secret HTTP/1.1\r\nHost: a\r\n\r\n", "X2 /secret HTTP/1.1\r\nHost: a\r\n\r\n"]) {
		t.match(await (await dribble(await proxy.connect(), request)).head(), /^HTTP\/1\.1 401 /, "byte by byte");
		for (const ALPNProtocols of [undefined, ["mqtt"], ["http/1.1"]]) {
			const secure = await (await proxy.connect()).secure({
				ca: authority.certificatePem,
				servername: "a.test",
				...(ALPNProtocols && { ALPNProtocols }),
			});
			t.match(await secure.send(request).head(), /^HTTP\/1\.1 401 /, `in TLS, ${ALPNProtocols}`);
		}
	}
});

t.test("with proxy authentication, invalid requests are rejected", async (t) => {
	const origin = await listener(t);
	const proxy = await guarded(t, origin);
	for (const bytes of [
		"SSH-2.0-x\r\n",
		":GET /secret HTTP/1.1\r\nHost: a\r\n\r\n",
		"\x00\x01\x02",
		"\r\nNICK me\r\n",
		"GET\t/secret HTTP/1.1\r\nHost: a\r\n\r\n",
	]) {
		const plain = (await proxy.connect()).send(Buffer.from(bytes, "latin1"));
		t.notMatch(await plain.rest(), /200/, JSON.stringify(bytes));
		for (const ALPNProtocols of [undefined, ["mqtt"], ["http/1.1"]]) {
			const secure = await (await proxy.connect()).secure({
				ca: authority.certificatePem,
				servername: "a.test",
				...(ALPNProtocols && { ALPNProtocols }),
			});
			t.notMatch(
				await secure.send(Buffer.from(bytes, "latin1")).rest(),
				/200/,
				`${JSON.stringify(bytes)} in TLS, ${ALPNProtocols}`,
			);
		}
	}
	const outer = await (await proxy.connect()).secure({ ca: authority.certificatePem, servername: "a.test" });
	await t.rejects(outer.secure({ ca: authority.certificatePem, servername: "a.test" }), "TLS in TLS");
	t.equal(origin.seen(), "");
	t.match((await proxy.event("client_error")).message, "proxyauth");
});

t.test("the block list applies in tunnels, to requests after empty lines and to all later ones", async (t) => {
	const origin = await startOrigin(t, echo);
	for (const mode of ["regular", "socks5", `reverse:http://${origin.authority}`]) {
		const proxy = await startTestProxy(t, { authority, options: { mode: [mode] }, hooks: [block] });
		const enter = async (): Promise<Peer> => {
			if (mode === "regular") return proxy.tunnel(origin.authority);
			const client = await proxy.connect();
			if (mode === "socks5")
				await client
					.send(
						`\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01${String.fromCharCode(origin.port >> 8, origin.port & 255)}`,
					)
					.take(12);
			return client;
		};
		const client = await enter();
		t.match(
			await client.send("\r\nGET /open HTTP/1.1\r\nHost: a\r\n\r\n").message(),
			{ head: /^HTTP\/1\.1 200 / },
			mode,
		);
		t.match(await client.send("\r\nX2 /secret HTTP/1.1\r\nHost: a\r\n\r\n").head(), /^HTTP\/1\.1 403 /, mode);
		for (const before of ["\r\n", "\n\n"])
			t.match(
				await (await enter()).send(`${before}GET /secret HTTP/1.1\r\nHost: a\r\n\r\n`).head(),
				/^HTTP\/1\.1 403 /,
				mode,
			);
	}
});

t.test("bytes that only a lenient server accepts as a request or TLS do not reach it unchanged", async (t) => {
	const origin = await listener(t);
	const blanks = ["\v", "\f", "\x1c", "\x1f", "\x85", "\xa0"];
	for (const mode of ["regular", `reverse:http://${origin.authority}`]) {
		const proxy = await startTestProxy(t, {
			authority,
			options: { mode: [mode], connection_strategy: "lazy" },
			hooks: [block],
		});
		for (const bytes of [
			...blanks.flatMap((blank) => [
				`${blank}GET /secret HTTP/1.1\r\n\r\n`,
				`GET${blank}/secret${blank}HTTP/1.1\r\n\r\n`,
			]),
			"GET secret\r\n\r\n",
			"GET ?/secret\r\n\r\n",
			// an alert, a message that only begins like a ClientHello, and the format of SSL 2
			"\x15\x03\x01\x00\x02\x01\x5a",
			"\x16\x03\x01\x00\x00\x16\x03\x01\x00\x04\x01\x00\x00\x00",
			"\x80\x1c\x01\x03\x01\x00\x03\x00\x00\x00\x10\x00\x00\x2f0123456789abcdef",
		]) {
			const client = mode === "regular" ? await proxy.tunnel(origin.authority) : await proxy.connect();
			for (const part of [bytes.slice(0, 1), bytes.slice(1)]) {
				client.send(Buffer.from(part, "latin1"));
				await new Promise(setImmediate);
			}
			client.end();
			await client.rest();
		}
	}
	t.notMatch(origin.seen(), /secret|0123456789abcdef/);
	t.notOk(origin.seen().includes("\x15\x03\x01"));
});

t.test("other protocols pass unchanged if no password is required", async (t) => {
	const origin = await startOrigin(
		t,
		async (client) => void client.send(`${(await client.take(13)).toString()}-yourself`),
	);
	for (const mode of ["regular", `reverse:http://${origin.authority}`]) {
		const proxy = await startTestProxy(t, { authority, options: { mode: [mode] } });
		const client = mode === "regular" ? await proxy.tunnel(origin.authority) : await proxy.connect();
		t.equal((await client.send("\r\nSSH-2.0-x\r\n").take(22)).toString(), "\r\nSSH-2.0-x\r\n-yourself");
	}
});

t.test("with an ALPN protocol, either side may begin, and HTTP is still intercepted", async (t) => {
	const origin = await startOrigin(t, async (client, index) => {
		if (index === 0) client.send("* OK ready\r\n");
		if (index === 1) client.send(`${await client.upTo("\n")}heard`);
	});
	const proxy = await startTestProxy(t, {
		authority,
		options: { mode: [`reverse:http://${origin.authority}`] },
		hooks: [block],
	});
	const secure = async () =>
		(await proxy.connect()).secure({ ca: authority.certificatePem, servername: "a.test", ALPNProtocols: ["imap"] });
	t.equal((await (await secure()).take(12)).toString(), "* OK ready\r\n");
	t.equal((await (await secure()).send("\x10 a1 LOGIN\n").take(16)).toString(), "\x10 a1 LOGIN\nheard");
	t.match(await (await secure()).send("GET /secret HTTP/1.1\r\nHost: a\r\n\r\n").head(), /^HTTP\/1\.1 403 /);
});

t.test("the preface of HTTP/2 in single bytes", async (t) => {
	const proxy = await startTestProxy(t);
	const client = await dribble(
		await proxy.tunnel("127.0.0.1:9"),
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
	);
	t.equal((await client.take(9))[3], 4, "SETTINGS");
});

t.test("a protocol switch that was not requested", async (t) => {
	const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n";
	const PLAIN = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	const ASKED = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n";
	await t.test("by a server", async (t) => {
		const origin = await startOrigin(t, async (client) => {
			await client.head();
			client.send(SWITCH);
			await client.rest();
		});
		const proxy = await startTestProxy(t, { options: { mode: [`reverse:http://${origin.authority}`] } });
		const answer = await (await proxy.connect()).send(`${PLAIN}GET /raw HTTP/1.1\r\nHost: a\r\n\r\n`).rest();
		t.match(answer, /^HTTP\/1\.1 502 /);
		t.match(answer, "asked for no upgrade");
		t.notMatch(origin.connections[0]?.seen, "/raw");
		t.match((await proxy.flow(0)).error, { message: /asked for no upgrade/ });
		t.match(
			await (await proxy.connect()).send(ASKED.replace("HTTP/1.1", "HTTP/1.0")).rest(),
			/^HTTP\/1\.1 502 /,
			"HTTP/1.0 cannot ask",
		);
		t.match(
			await (await proxy.connect()).send(ASKED.replace("Upgrade: x", "Upgrade: y")).rest(),
			/^HTTP\/1\.1 502 /,
			"another one",
		);
		t.match(await (await proxy.connect()).send(ASKED).head(), /^HTTP\/1\.1 101 /);
	});
	await t.test("by a hook", async (t) => {
		const hook: Hook = {
			name: "switching",
			request: (_flow, turn) =>
				turn.answer(new Response({ statusCode: 101, reason: "Switching Protocols" }), "switching"),
		};
		const proxy = await startTestProxy(t, { hooks: [hook] });
		t.match(await (await proxy.connect()).send(PLAIN).rest(), /^HTTP\/1\.1 502 /);
	});
	await t.test("by a hook that changes an answer", async (t) => {
		const origin = await startOrigin(t, echo);
		const hook: Hook = {
			name: "switching",
			response({ response }) {
				if (response !== null) response.statusCode = 101;
			},
		};
		const proxy = await startTestProxy(t, { options: { mode: [`reverse:http://${origin.authority}`] }, hooks: [hook] });
		t.match(await (await proxy.connect()).send(PLAIN).rest(), /^HTTP\/1\.1 502 /);
	});
});

t.test("rules see a non-ASCII host in the form in which it is looked up", async (t) => {
	const origin = await listener(t);
	const hook = (await createBlockList({ ...defaults(blockOptions), block_list: ["/~d ^localhost$/403"] }, {})) as Hook;
	const proxy = await startTestProxy(t, { hooks: [hook] });
	for (const name of ["localhost", "ｌocalhost", "LOCAL\u00adHOST", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"]) {
		const host = `${name}:${origin.port}`;
		const request = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
		const absolute = await proxy.connect();
		t.match(await absolute.send(Buffer.from(request.replace("/", `http://${host}/`))).head(), /^HTTP\/1\.1 403 /, name);
		const byField = await proxy.connect();
		t.match(
			await byField.send(Buffer.from(request.replace("a.example", host))).head(),
			/^HTTP\/1\.1 403 /,
			`${name} as Host`,
		);
		const tunnel = await proxy.connect();
		t.match(await tunnel.send(Buffer.from(`CONNECT ${host} HTTP/1.1\r\n\r\n`)).head(), /^HTTP\/1\.1 200 /);
		t.match(await tunnel.send(request).head(), /^HTTP\/1\.1 403 /, `${name} in a tunnel`);
	}
	t.equal(origin.seen(), "");
});

t.test("a request that is streamed for its media type or its size gets past no rule", async (t) => {
	const origin = await startOrigin(t, echo);
	const other = await startOrigin(
		t,
		answering((head) => ok(`other ${head}`)),
	);
	const map = await createMapRemote({ map_remote: [`|//${origin.authority}/moved|//${other.authority}/there`] }, {});
	const proxy = await startTestProxy(t, { hooks: [block, map as Hook] });
	const ask = async (path: string, field: string, body: string) => {
		const client = await proxy.connect();
		const lines = [`POST http://${origin.authority}${path} HTTP/1.1`, `Host: ${origin.authority}`, field, "", body];
		return client.send(lines.join("\r\n"));
	};
	const coded = "Transfer-Encoding: chunked\r\nContent-Type: ";
	for (const [field, body, end] of [
		["Content-Length: 17000000", "x", "x".repeat(16_999_999)],
		[`${coded}application/grpc`, "1\r\nx\r\n", "0\r\n\r\n"],
		[`${coded}text/event-stream`, "1\r\nx\r\n", "0\r\n\r\n"],
		[`${coded}application/x-ndjson`, "1\r\nx\r\n", "0\r\n\r\n"],
		// The decision to stream it falls in the middle of the body.
		["Transfer-Encoding: chunked", `1100000\r\n${"x".repeat(0x1100000)}\r\n`, "0\r\n\r\n"],
	] as const) {
		t.match(await (await ask("/secret", field, body)).head(), /^HTTP\/1\.1 403 /, field);
		const moved = await ask("/moved", field, body);
		t.match((await moved.send(end).message()).body.toString(), /^other POST \/there HTTP/, field);
	}
	t.notMatch(origin.connections.map(({ seen }) => seen).join(""), "secret");
	t.equal(origin.connections.length, 0);
});

t.test("a rule that decides by the body holds bodies of every media type", async (t) => {
	const origin = await startOrigin(t, echo);
	const byBody = (await createBlockList({ ...defaults(blockOptions), block_list: ["/~b evil/403"] }, {})) as Hook;
	const proxy = await startTestProxy(t, { hooks: [byBody] });
	for (const [body, status] of [
		["evil", 403],
		["fine", 200],
	] as const) {
		const client = await proxy.connect();
		const lines = ["POST / HTTP/1.1", `Host: ${origin.authority}`, "Content-Type: application/grpc"];
		client.send([...lines, `Content-Length: ${body.length}`, "", body].join("\r\n"));
		t.match(await client.head(), `HTTP/1.1 ${status} `, body);
	}
});
