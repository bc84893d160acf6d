// TLS between client and proxy on a port that also accepts cleartext: certificates, requests and tunnels inside, and
// refusals.
import { once } from "node:events";
import type { TLSSocket } from "node:tls";
import t from "tap";
import { makeAuthorities } from "../../../../fixtures/authorities.ts";
import { answering, ask, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { checkUnfinishedHello } from "../../../../fixtures/unfinished-hello.ts";
import type { Hook } from "../../../../src/hooks/hook.ts";
import { createProxyAuth } from "../../../../src/hooks/proxy-auth.ts";

const { originFile, proxy: authority, server } = await makeAuthorities(t);
const ca = authority.certificatePem;
const echo = answering((head) => ok(head));
const trusting = { ssl_verify_upstream_trusted_ca: originFile };
const request = (path: string, host: string) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

t.test("the certificate is for the proxy's address and for the client's SNI", async (t) => {
	const proxy = await startTestProxy(t, { authority });
	// An address cannot be an SNI, but the certificate must have it.
	const byAddress = await (await proxy.connect()).secure({ host: "127.0.0.1", ca });
	const byName = await (await proxy.connect()).secure({
		servername: "proxy.example",
		ca,
		ALPNProtocols: ["h2", "http/1.1"],
	});
	t.match((byAddress.socket as TLSSocket).getPeerCertificate().subjectaltname, "IP Address:127.0.0.1");
	t.match((byName.socket as TLSSocket).getPeerCertificate().subjectaltname, "DNS:proxy.example, IP Address:127.0.0.1");
	t.equal((byName.socket as TLSSocket).alpnProtocol, "http/1.1", "HTTP/2 is not offered");
});

t.test("requests and tunnels inside TLS, and cleartext ones on the same port", async (t) => {
	const plain = await startOrigin(t, echo);
	const secure = await startOrigin(t, echo, { tls: { secureContext: server({ names: ["localhost"] }) } });
	const proxy = await startTestProxy(t, { authority, options: trusting });
	const client = await (await proxy.connect()).secure({ servername: "proxy.example", ca });
	for (const path of ["/a", "/b"])
		t.match((await client.send(ask("GET", plain.authority, path)).message()).body.toString(), `GET ${path} HTTP/1.1`);
	t.match(await proxy.flow(0), {
		request: { url: `http://${plain.authority}/a`, scheme: "http" },
		clientConn: { tls: true, sni: "proxy.example" },
	});
	const outer = await (await proxy.connect()).secure({ servername: "proxy.example", ca });
	const target = `localhost:${secure.port}`;
	t.match(await outer.send(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`).head(), "HTTP/1.1 200 ");
	const inner = await outer.secure({ servername: "localhost", ca });
	t.match((await inner.send(request("/c", target)).message()).body.toString(), "GET /c HTTP/1.1");
	t.match(
		await proxy.flow(2),
		{ request: { url: `https://${target}/c` }, clientConn: { tls: true, sni: "localhost" } },
		"the inner connection counts",
	);
	const unsecured = await proxy.connect();
	t.match((await unsecured.send(ask("GET", plain.authority, "/d")).message()).body.toString(), "GET /d HTTP/1.1");
	t.match((await proxy.flow(3)).clientConn, { tls: false, sni: null });
});

t.test("requests in a cleartext tunnel inside it are recorded without TLS", async (t) => {
	const plain = await startOrigin(t, echo);
	const proxy = await startTestProxy(t, { authority });
	const client = await (await proxy.connect()).secure({ servername: "proxy.example", ca });
	await client.send(`CONNECT ${plain.authority} HTTP/1.1\r\nHost: ${plain.authority}\r\n\r\n`).head();
	t.match((await client.send(request("/x", plain.authority)).message()).body.toString(), "GET /x HTTP/1.1");
	t.match(await proxy.flow(0), {
		request: { url: `http://${plain.authority}/x` },
		clientConn: { tls: false, sni: null, alpn: null },
	});
});

t.test("clients without credentials get a challenge", async (t) => {
	const plain = await startOrigin(t, echo);
	const hook = await createProxyAuth({ proxyauth: "u:p" }, {});
	const proxy = await startTestProxy(t, {
		authority,
		hooks: hook === null ? [] : [hook],
		setup: { authenticator: hook },
	});
	const client = await (await proxy.connect()).secure({ servername: "proxy.example", ca });
	t.match((await client.send(ask("GET", plain.authority, "/a")).message()).head, "HTTP/1.1 407 ");
	const allowed = ask("GET", plain.authority, "/b").replace("\r\n\r\n", "\r\nProxy-Authorization: Basic dTpw\r\n\r\n");
	t.match((await client.send(allowed).message()).body.toString(), "GET /b HTTP/1.1");
	t.match(await client.send(`CONNECT ${plain.authority} HTTP/1.1\r\nHost: a\r\n\r\n`).head(), "HTTP/1.1 407 ");
});

t.test("a ClientHello may arrive in pieces; other bytes close the connection", async (t) => {
	const proxy = await startTestProxy(t, { authority });
	const client = await proxy.connect();
	client.send("\x16");
	client.send("\x03\x01\x00\x05\x02nope");
	await client.ended();
	const message =
		"the TLS handshake between client and proxy failed: its first bytes are neither HTTP nor a TLS ClientHello";
	t.match(await proxy.event("client_error"), { message });
});

t.test("a client that does not trust the authority is reported", async (t) => {
	const proxy = await startTestProxy(t, { authority });
	await t.rejects((await proxy.connect()).secure({ servername: "proxy.example", ca: [] }));
	const message =
		/^the TLS handshake between client and proxy failed: .*; does it trust the certificate authority\? \(flowtape ca export\)$/;
	t.match(await proxy.event("client_error"), { message });
});

t.test("TLS in TLS without a tunnel is refused", async (t) => {
	const proxy = await startTestProxy(t, { authority });
	const outer = await (await proxy.connect()).secure({ servername: "proxy.example", ca });
	await t.rejects(outer.secure({ servername: "proxy.example", ca }));
});

t.test("hooks see its events", async (t) => {
	const seen: string[] = [];
	const hook: Hook = { name: "listener", connection: (...[name]) => void seen.push(name) };
	const proxy = await startTestProxy(t, { authority, hooks: [hook] });
	const client = await (await proxy.connect()).secure({ servername: "proxy.example", ca });
	client.socket.end();
	await once(client.socket, "close");
	t.same(seen.slice(0, 3), ["client_connected", "tls_start_client", "tls_established_client"]);
});

t.test("unfinished ClientHellos take bounded memory", async (t) => {
	const proxy = await startTestProxy(t, { authority });
	await checkUnfinishedHello(t, proxy, () => proxy.connect(), ca);
});
