// Tunnels: TLS with a certificate of the proxy, plain HTTP, and other protocols.
import { X509Certificate } from "node:crypto";
import { request as requestTls } from "node:https";
import { createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import t from "tap";
import { makeAuthorities } from "../../../../fixtures/authorities.ts";
import { lacksIpv6 } from "../../../../fixtures/ipv6.ts";
import { answering, ask, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { makeCertificate } from "../../../../fixtures/own-certificate.ts";
import type { Peer } from "../../../../fixtures/peer.ts";
import { type ProxyParts, startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { checkUnfinishedHello } from "../../../../fixtures/unfinished-hello.ts";

const { proxy: authority, originFile, server } = await makeAuthorities(t);
const trusting = { ssl_verify_upstream_trusted_ca: originFile };
const ca = authority.certificatePem;
const hello = answering((head) => ok(`hello ${head.split(" ")[1]}`));
const get = (path: string, host = "example.com") => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

/** A context with a certificate that no authority has signed. */
function stranger(names: string[]): SecureContext {
	const { certificate, key } = makeCertificate({ names });
	return createSecureContext({ cert: certificate, key });
}

function certificateOf(secured: Peer): X509Certificate {
	return (secured.socket as TLSSocket).getPeerX509Certificate() as X509Certificate;
}

t.test(
	"requests in TLS are read, forwarded in TLS and recorded, with the properties of both connections",
	async (t) => {
		const origin = await startOrigin(t, hello, {
			tls: { secureContext: server({ names: ["www.example.com"] }), ALPNProtocols: ["http/1.1"] },
		});
		const proxy = await startTestProxy(t, { authority, options: trusting });
		const tunnel = await proxy.tunnel(origin.authority);
		const client = await tunnel.secure({ ca, servername: "www.example.com", ALPNProtocols: ["h5", "http/1.1"] });
		t.equal((client.socket as TLSSocket).alpnProtocol, "http/1.1");
		const leaf = certificateOf(client);
		client.send(get("/1") + get("/2"));
		for (const path of ["/1", "/2"]) t.equal((await client.message()).body.toString(), `hello ${path}`);
		const { request, clientConn, serverConn } = await proxy.flow(1);
		t.match(request, {
			scheme: "https",
			host: "127.0.0.1",
			port: origin.port,
			path: "/2",
			prettyUrl: "https://example.com/2",
		});
		t.match(clientConn, {
			tls: true,
			sni: "www.example.com",
			tlsVersion: "TLSv1.3",
			cipher: /^TLS_/,
			alpn: "http/1.1",
			alpnOffers: ["h5", "http/1.1"],
		});
		t.equal(new X509Certificate(Buffer.from(clientConn.mitmcert ?? "")).fingerprint256, leaf.fingerprint256);
		t.match(serverConn, {
			tls: true,
			sni: "www.example.com",
			tlsVersion: "TLSv1.3",
			alpn: "http/1.1",
			address: ["127.0.0.1", origin.port],
		});
		t.equal(new X509Certificate(serverConn.certificateList[0] ?? "").subjectAltName, "DNS:www.example.com");
		t.equal(serverConn.certificateList.length, 2, "the chain that the server sent");
		for (const conn of [clientConn, serverConn])
			t.ok((conn.timestampTlsSetup ?? 0) >= (conn.timestampStart ?? Infinity));
		t.equal(origin.connections.length, 1, "that of the handshake is used");
	},
);

t.test(
	"the certificate has the requested name, the address and the names of the server's own certificate",
	async (t) => {
		const names = ["origin.example", "*.wild.example", "10.1.2.3", "127.0.0.1"];
		const origin = await startOrigin(t, hello, {
			tls: { secureContext: server({ names, organization: "Example & Söhne" }) },
		});
		const proxy = await startTestProxy(t, { authority, options: trusting });
		for (const servername of ["", "asked.wild.example"]) {
			const client = await (await proxy.tunnel(origin.authority)).secure({
				ca,
				servername,
				checkServerIdentity: () => undefined,
			});
			const leaf = certificateOf(client);
			for (const name of ["origin.example", "any.wild.example", servername].filter(Boolean))
				t.ok(leaf.checkHost(name), name);
			for (const address of ["127.0.0.1", "10.1.2.3"]) t.ok(leaf.checkIP(address), address);
			t.match(leaf.subject, "O=Example & Söhne");
			t.match(leaf.subject, `CN=${servername || "127.0.0.1"}`);
			t.ok(leaf.verify(authority.certificate.publicKey));
		}
		const own = await startTestProxy(t, { authority, options: { ...trusting, upstream_cert: false } });
		const leaf = certificateOf(
			await (await own.tunnel(origin.authority)).secure({ ca, servername: "asked.wild.example" }),
		);
		t.equal(leaf.subjectAltName, "DNS:asked.wild.example, IP Address:127.0.0.1");
	},
);

t.test("names are copied from an unverified certificate only if it is for the requested host", async (t) => {
	const names = ["*.other.example", "bank.example"];
	const proxy = await startTestProxy(t, { authority, options: { ...trusting, ssl_insecure: true } });
	for (const [secureContext, isHeeded] of [
		[stranger(["asked.example", ...names]), true],
		[stranger(names), false],
		[stranger(["*", ...names]), false],
		[server({ names }), false],
	] as const) {
		const origin = await startOrigin(t, hello, { tls: { secureContext } });
		const client = await (await proxy.tunnel(origin.authority)).secure({ ca, servername: "asked.example" });
		const leaf = certificateOf(client);
		t.equal(leaf.checkHost("bank.example") !== undefined, isHeeded);
		t.notMatch(leaf.subjectAltName, /DNS:\*(,|$)/);
		t.equal((await client.send(get("/")).message()).body.toString(), "hello /", "it is spoken with all the same");
	}
});

t.test(
	"a client that may use one connection for several hosts gets only the names of a verified certificate",
	async (t) => {
		const proxy = await startTestProxy(t, { authority, options: { ...trusting, ssl_insecure: true } });
		for (const [secureContext, isHeeded] of [
			[server({ names: ["asked.example", "bank.example"] }), true],
			[stranger(["asked.example", "*.asked.example", "bank.example"]), false],
		] as const) {
			const origin = await startOrigin(t, hello, { tls: { secureContext } });
			const client = await (await proxy.tunnel(origin.authority)).secure({
				ca,
				servername: "asked.example",
				ALPNProtocols: ["h2", "http/1.1"],
			});
			const leaf = certificateOf(client);
			t.equal(leaf.checkHost("asked.example"), "asked.example");
			for (const other of ["bank.example", "sub.asked.example"])
				t.equal(leaf.checkHost(other) !== undefined, isHeeded && other === "bank.example", other);
		}
	},
);

t.test("an invalid host name gets no certificate", async (t) => {
	const proxy = await startTestProxy(t, { authority, upstream: null });
	for (const [to, servername] of [
		["*:443", ""],
		["*:443", "*"],
		["a.example:443", "*"],
		["*.example:443", ""],
	] as const) {
		const client = await (await proxy.tunnel(to))
			.secure({ ca, servername, checkServerIdentity: () => undefined })
			.catch(() => null);
		if (client !== null) t.notMatch(certificateOf(client).subjectAltName, /DNS:\*/, `${to} ${servername}`);
	}
});

t.test("an IPv6 destination", { skip: lacksIpv6 }, async (t) => {
	const origin = await startOrigin(t, hello, { host: "::1", tls: { secureContext: server({ names: ["::1"] }) } });
	const proxy = await startTestProxy(t, { authority, options: trusting });
	const checkServerIdentity = (_host: string, { raw }: { raw: Buffer }) =>
		new X509Certificate(raw).checkIP("::1") ? undefined : new Error("not for ::1");
	const client = await (await proxy.tunnel(origin.authority)).secure({ ca, host: "::1", checkServerIdentity });
	t.equal((await client.send(get("/")).message()).body.toString(), "hello /");
	t.match(await proxy.flow(0), { request: { host: "::1", url: `https://[::1]:${origin.port}/` } });
	const other = await startOrigin(t, hello, { host: "::1", tls: { secureContext: server({ names: ["::2"] }) } });
	const doubting = await (await proxy.tunnel(other.authority)).secure({
		ca,
		host: "::1",
		checkServerIdentity: () => undefined,
	});
	t.match(
		(await doubting.send(get("/")).message()).body.toString(),
		/the certificate is for IP Address:0:0:0:0:0:0:0:2, not for ::1/,
	);
});

t.test("lazy: the proxy connects for the first request; without a network it never connects", async (t) => {
	const origin = await startOrigin(t, hello, { tls: { secureContext: server({ names: ["localhost"] }) } });
	for (const parts of [
		{ options: { ...trusting, connection_strategy: "lazy" } },
		{ options: trusting, upstream: null },
	] as ProxyParts[]) {
		const proxy = await startTestProxy(t, { authority, ...parts });
		const client = await (await proxy.tunnel(`localhost:${origin.port}`)).secure({ ca, servername: "localhost" });
		t.equal(certificateOf(client).subjectAltName, "DNS:localhost");
		t.equal(origin.connections.length, 0);
		const answer = await client.send(get("/")).head();
		if (parts.upstream === null) t.match(answer, /^HTTP\/1\.1 502 /);
		else t.equal(origin.connections.splice(0).length, 1, answer);
	}
});

t.test("if a server cannot be reached or trusted, the response has the reason", async (t) => {
	const closed = await startOrigin(t, hello);
	closed.close();
	const untrusted = await startOrigin(t, hello, { tls: { secureContext: server({ names: ["localhost"] }) } });
	const proxy = await startTestProxy(t, { authority });
	for (const [port, says] of [
		[closed.port, /refused the connection/],
		[untrusted.port, /has a certificate from an (?:untrusted|unknown) authority/],
	] as const) {
		const client = await (await proxy.tunnel(`localhost:${port}`)).secure({ ca, servername: "localhost" });
		const answer = await client.send(get("/")).rest();
		t.match(answer, /^HTTP\/1\.1 502 /);
		t.match(answer, says);
	}
	t.match(proxy.flows, [{ error: { message: /refused/ } }, { error: { message: /certificate/ } }]);
});

t.test("clients that do not trust the authority, and bytes that are not TLS", async (t) => {
	const origin = await startOrigin(t, hello, { tls: { secureContext: server({ names: ["localhost"] }) } });
	const proxy = await startTestProxy(t, { authority, options: trusting });
	await t.rejects((await proxy.tunnel(origin.authority)).secure({ servername: "localhost" }), {
		code: /SELF_SIGNED|UNABLE_TO/,
	});
	t.match(await proxy.event("client_error"), {
		client: /^127\.0\.0\.1:\d+$/,
		message: /^a client .*localhost.*trust the certificate authority.*"flowtape ca trust" shows/s,
	});
	const old = await proxy.tunnel(origin.authority);
	await t.rejects(
		old.secure({
			servername: "localhost",
			maxVersion: "TLSv1.1",
			minVersion: "TLSv1.1",
			ciphers: "DEFAULT@SECLEVEL=0",
		}),
	);
	t.equal(proxy.flows.length, 0);
	t.match(
		await (await proxy.tunnel(origin.authority)).secure({ ca, servername: "localhost" }),
		{},
		"others are not concerned",
	);
});

t.test("clients that close after the certificate are reported once for each host, with HTTP/2 too", async (t) => {
	const origin = await startOrigin(t, hello, {
		tls: { secureContext: server({ names: ["localhost"] }), ALPNProtocols: ["http/1.1"] },
	});
	const proxy = await startTestProxy(t, { authority, options: trusting });
	const visit = async (servername: string, protocols: string[]) => {
		const client = await (await proxy.tunnel(origin.authority)).secure({ ca, servername, ALPNProtocols: protocols });
		client.socket.destroy();
	};
	for (const [servername, protocols] of [
		["one.test", ["h2"]],
		["one.test", ["http/1.1"]],
		["two.test", ["http/1.1"]],
		["three.test", []],
	] as const)
		await visit(servername, [...protocols]);
	const reported = () => proxy.events.flatMap((event) => (event.kind === "client_error" ? [event.message] : []));
	// The flow of another request comes after earlier events.
	for (let n = 0; reported().length < 3; n++) {
		const used = await (await proxy.tunnel(origin.authority)).secure({ ca, servername: "localhost" });
		t.equal((await used.send(get("/")).message()).body.toString(), "hello /");
		await visit("localhost", ["http/1.1"]);
		await proxy.flow(n);
	}
	await proxy.running.close();
	t.match(
		reported().sort(),
		["one", "three", "two"].map(
			(host) =>
				new RegExp(
					`^a client closed its connection for ${host}\\.test (?:right after|during) .*probably does not trust`,
				),
		),
	);
	t.equal(reported().length, 3, "not of a host of which there are requests");
});

t.test("the client disconnects at each stage of the handshake", async (t) => {
	const origin = await startOrigin(t, hello, { tls: { secureContext: server({ names: ["localhost"] }) } });
	const silent = await startOrigin(t, () => {});
	const proxy = await startTestProxy(t, { authority, options: { ...trusting, connect_timeout: 3 } });
	const tls = Buffer.from("160301", "hex");
	for (const how of ["close", "reset"] as const) {
		(await proxy.tunnel(origin.authority))[how]();
		(await proxy.tunnel(origin.authority)).send(tls)[how]();
		const dialling = await proxy.tunnel(silent.authority);
		const shaking = dialling.secure({ ca, servername: "localhost" });
		while (silent.connections.length === 0) await new Promise(setImmediate);
		dialling[how]();
		await t.rejects(shaking);
		t.ok(await silent.connections.shift()?.ended(), "the server is given up, when it has not answered in time");
	}
	const client = await (await proxy.tunnel(origin.authority)).secure({ ca, servername: "localhost" });
	t.equal((await client.send(get("/")).message()).body.toString(), "hello /");
});

t.test("shutdown ends an exchange in TLS", async (t) => {
	const origin = await startOrigin(
		t,
		async (client) => {
			await client.head();
			client.send("HTTP/1.1 200 OK\r\n\r\nhello");
		},
		{ tls: { secureContext: server({ names: ["localhost"] }) } },
	);
	const proxy = await startTestProxy(t, {
		authority,
		options: { ...trusting, stream_large_bodies: 1, store_streamed_bodies: true },
	});
	const client = await (await proxy.tunnel(origin.authority)).secure({ ca, servername: "localhost" });
	await client.send(get("/")).upTo("hello");
	await proxy.running.close({ graceMs: 0 });
	t.ok(await client.ended());
	t.ok(await origin.connections[0]?.ended());
	t.match(proxy.flows, [
		{ error: { message: /stopped before the exchange was complete/ }, response: { text: "hello" } },
	]);
});

t.test("plain HTTP in a tunnel", async (t) => {
	const origin = await startOrigin(t, hello);
	const proxy = await startTestProxy(t);
	const tunnel = await proxy.tunnel(origin.authority);
	t.equal((await tunnel.send(get("/1")).message()).body.toString(), "hello /1");
	t.equal(
		(await tunnel.send(ask("GET", "example.com", "/2")).message()).body.toString(),
		"hello /2",
		"in absolute form, to where the tunnel leads",
	);
	for (const byte of get("/3")) tunnel.send(byte);
	t.equal((await tunnel.message()).body.toString(), "hello /3");
	t.match(await proxy.flow(0), {
		request: { scheme: "http", host: "127.0.0.1", port: origin.port, prettyUrl: "http://example.com/1" },
	});
	const early = await proxy.connect();
	await early.send(`CONNECT ${origin.authority} HTTP/1.1\r\n\r\n${get("/early")}`).head();
	t.equal((await early.message()).body.toString(), "hello /early");
});

t.test("other protocols are relayed untouched, and recorded only with the option", async (t) => {
	const all = Buffer.from(Array.from({ length: 1024 }, (_, i) => i % 256));
	for (const record_tcp of [false, true]) {
		const origin = await startOrigin(t, async (client) => {
			t.ok((await client.take(1024)).equals(all));
			client.send("220 welcome\r\n");
			t.equal(await client.ended(), "end");
			client.send("bye").end();
		});
		const proxy = await startTestProxy(t, { options: { record_tcp } });
		const client = await proxy.tunnel(origin.authority);
		await client.send(all).upTo("220 welcome\r\n");
		client.end();
		t.equal(await client.rest(), "bye");
		await proxy.running.close();
		t.equal(proxy.flows.length, record_tcp ? 1 : 0);
	}
});

t.test("first bytes that only resemble HTTP or TLS", async (t) => {
	for (const bytes of [
		"\x16\x03\x01\x00\x05\x02hello",
		"\x16\x00\x01",
		"GET",
		"SSH-2.0-x\r\n",
		"helo client.example\r\n",
		"A".repeat(40),
		"\x16\x03\x01\0\x04\x02\0\0\0",
	]) {
		const origin = await startOrigin(t, async (client) => void client.send(`<${await client.upTo(bytes)}>`));
		const proxy = await startTestProxy(t, { authority });
		const client = await proxy.tunnel(origin.authority);
		client.send(bytes);
		// Three letters may be the beginning of a method.
		if (bytes === "GET") client.send("\0");
		if (bytes !== "GET") t.equal(await client.upTo(">"), `<${bytes}>`, JSON.stringify(bytes));
		else t.equal(await client.upTo(">"), `<${bytes}>`);
	}
});

t.test("an unused tunnel, and one whose first bytes do not decide its protocol", async (t) => {
	const proxy = await startTestProxy(t);
	for (const bytes of ["", "GE", "\x16\x03"]) {
		const client = await proxy.tunnel("example.invalid:443");
		client.send(bytes).end();
		t.equal(await client.rest(), "");
	}
	const patient = await startTestProxy(t, { options: { tcp_timeout: 1 } });
	t.ok(await (await patient.tunnel("example.invalid:443")).ended(), "nothing was said for long");
	const open = await proxy.tunnel("example.invalid:443");
	await proxy.running.close({ graceMs: 0 });
	t.ok(await open.ended(), "the end of the proxy is its end");
	t.strictSame(proxy.flows, []);
});

t.test("CONNECT with an invalid target", async (t) => {
	const proxy = await startTestProxy(t);
	for (const target of ["example.com", "example.com:0", ":443", "example.com:70000", "a b:1", "http://a/"]) {
		const client = await proxy.connect();
		t.match(await client.send(`CONNECT ${target} HTTP/1.1\r\n\r\n`).rest(), /^HTTP\/1\.1 400 Bad Request\r\n/, target);
		client.close();
	}
});

t.test("a tunnel of another protocol is closed if there is no network", async (t) => {
	const proxy = await startTestProxy(t, { upstream: null });
	const client = await proxy.tunnel("example.invalid:22");
	t.equal(await client.send("SSH-2.0-x\r\n").rest(), "");
});

t.test("Node's own client, with a host name", async (t) => {
	const origin = await startOrigin(t, hello, { tls: { secureContext: server({ names: ["localhost"] }) } });
	const proxy = await startTestProxy(t, { authority, options: trusting });
	const tunnel = await proxy.tunnel(`localhost:${origin.port}`);
	const secured = await tunnel.secure({ ca, servername: "localhost" });
	const { socket } = secured;
	socket.removeAllListeners("data");
	const body = await new Promise<string>((resolve, reject) => {
		const request = requestTls(
			{ createConnection: () => socket, path: "/node", headers: { Connection: "close" } },
			(response) => {
				response.setEncoding("utf8").on("data", resolve);
			},
		);
		request.on("error", reject).end();
	});
	t.equal(body, "hello /node");
});
t.test("HTTP versions that the client may choose from", async (t) => {
	const one = await startOrigin(t, hello, {
		tls: { secureContext: server({ names: ["localhost"] }), ALPNProtocols: ["http/1.1"] },
	});
	for (const [options, offered, chosen] of [
		[{}, ["h2", "http/1.1"], "http/1.1"],
		[{ connection_strategy: "lazy" }, ["h2", "http/1.1"], "h2"],
		[{ connection_strategy: "lazy", http2: false }, ["h2", "http/1.1"], "http/1.1"],
		[{}, ["http/1.1"], "http/1.1"],
		[{}, [], false],
	] as const) {
		const proxy = await startTestProxy(t, { authority, options: { ...trusting, ...options } });
		const client = await (await proxy.tunnel(one.authority)).secure({
			ca,
			servername: "localhost",
			ALPNProtocols: [...offered],
		});
		t.equal((client.socket as TLSSocket).alpnProtocol, chosen, `${JSON.stringify(options)} ${offered}`);
		client.close();
	}
});

t.test("another protocol whose server cannot be reached", async (t) => {
	const closed = await startOrigin(t, hello);
	closed.close();
	const proxy = await startTestProxy(t);
	const client = await proxy.tunnel(closed.authority);
	t.equal(await client.send("\0\x01").rest(), "");
	t.match(await proxy.event("upstream_error"), { destination: closed.authority, message: /refused the connection/ });
});

t.test("other protocols inside TLS are relayed, with the client's ALPN", async (t) => {
	for (const [protocols, said] of [
		[[], false],
		[["imap"], "imap"],
	] as const) {
		const secure = { secureContext: server({ names: ["localhost"] }), ALPNProtocols: [...protocols] };
		const origin = await startOrigin(
			t,
			async (client) => void client.send(`* ${(client.socket as TLSSocket).alpnProtocol} ${await client.upTo("\n")}`),
			{
				tls: secure,
			},
		);
		const proxy = await startTestProxy(t, { authority, options: { ...trusting, record_tcp: true } });
		const client = await (await proxy.tunnel(origin.authority)).secure({
			ca,
			servername: "localhost",
			ALPNProtocols: [...protocols],
		});
		t.equal((client.socket as TLSSocket).alpnProtocol, said);
		t.equal(await client.send("a1 LOGIN\n").upTo("LOGIN\n"), `* ${said} a1 LOGIN\n`);
		client.close();
		await proxy.running.close();
		t.match(proxy.flows, [{ type: "tcp", messages: { length: 2 }, serverConn: { tls: true } }]);
	}
});

t.test("unfinished ClientHellos in tunnels take bounded memory", async (t) => {
	const proxy = await startTestProxy(t, { authority });
	await checkUnfinishedHello(t, proxy, () => proxy.tunnel("127.0.0.1:9"), ca);
});
