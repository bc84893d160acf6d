// Detection of a tunnel's content. Tunnels to ignored hosts pass every byte unchanged.
import { join } from "node:path";
import { createSecureContext, type TLSSocket } from "node:tls";
import t, { type Test } from "tap";
import { answering, type Conversation, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { makeCertificate } from "../../../../fixtures/own-certificate.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { openAuthority } from "../../../../src/ca/authority.ts";
import type { TcpFlow } from "../../../../src/flow/flow.ts";
import { createPassthroughHosts, options } from "../../../../src/hooks/passthrough-hosts.ts";
import { defaults } from "../../../../src/options.ts";
import { tunnelTo } from "../../../../src/proxy/route/target.ts";
import { Sniffer } from "../../../../src/proxy/tls/client-hello.ts";
import { contentOf } from "../../../../src/proxy/tunnel/content.ts";

const authority = await openAuthority(join(t.testdir(), "home"));
const hostsOf = (values: object) => createPassthroughHosts({ ...defaults(options), ...values });
const head = (host: string) => `GET / HTTP/1.1\r\nAccept: *\r\n${host}\r\n\r\n`;

t.test("hosts by address, by Host field, and without a name", async (t) => {
	const hosts = await hostsOf({ ignore_hosts: ["^bank\\.example:", "^::5:"], tcp_hosts: ["^db\\.example$"] });
	const sniffed = (bytes: string) => {
		const sniffer = new Sniffer();
		sniffer.add(Buffer.from(bytes, "latin1"));
		return sniffer;
	};
	const at = (host: string, bytes: string) => contentOf(sniffed(bytes), tunnelTo(host, 80), hosts);
	for (const [host, bytes, content] of [
		["bank.example", "", "ignored"],
		["192.0.2.1", "", "more"],
		["192.0.2.1", "G", "more"],
		["192.0.2.1", "GET / HTTP/1.1\r\nAccept: *\r\n", "more"],
		["192.0.2.1", "GET / HTTP/1.1\r\nHost: bank.exa", "more"],
		["192.0.2.1", "GET / HTTP/1.1\r\nHost: bank.example\r", "more"],
		["192.0.2.1", "GET / HTTP/1.1\r\nHost: bank.example\r\n", "ignored"],
		["192.0.2.1", head("Host: bank.example"), "ignored"],
		["192.0.2.1", head("hOST:bank.example:8080"), "ignored"],
		["192.0.2.1", head("Host: [::5]"), "ignored"],
		["192.0.2.1", head("Host: web.example"), "http"],
		["192.0.2.1", head("Host:"), "http"],
		["192.0.2.1", head("X-Host: bank.example"), "http"],
		["192.0.2.1", `GET / HTTP/1.1\r\nX: ${"x".repeat(70_000)}`, "http"],
		["192.0.2.1", "SSH-2.0-x\r\n", "other"],
		["db.example", "\x00\x01\x02\x03", "opaque"],
		["db.example", head("Host: x"), "opaque"],
	] as const)
		t.equal(at(host, bytes), content, `${host} ${JSON.stringify(bytes.slice(0, 60))}`);
	t.equal(contentOf(sniffed(head("Host: bank.example")), tunnelTo("bank.example", 80), null), "http");
});

/** A TLS server that records its input, and a proxy with options for some hosts. */
async function serve(t: Test, values: object, options: object = {}) {
	const { certificate, key } = makeCertificate({ names: ["localhost"] });
	const secureContext = createSecureContext({ cert: certificate, key });
	// It closes when its client does: a TCP flow is complete when both sides are closed.
	const converse: Conversation = async (client) => {
		client.socket.on("end", () => client.end());
		await answering((said) => ok(`you said ${said.length}`))(client, 0);
	};
	const origin = await startOrigin(t, converse, { tls: { secureContext, ALPNProtocols: ["http/1.1"] } });
	const proxy = await startTestProxy(t, {
		authority,
		options: { ssl_insecure: true, ...options },
		setup: { hosts: await hostsOf(values) },
	});
	const ask = async (servername: string) => {
		const client = await (await proxy.tunnel(origin.authority)).secure({ servername, rejectUnauthorized: false });
		const shown = (client.socket as TLSSocket).getPeerX509Certificate()?.toString();
		const { body } = await client.send(head("Host: x")).message();
		client.end();
		return { isUntouched: shown === certificate, body: body.toString() };
	};
	return { origin, proxy, ask };
}

const body = `you said ${head("Host: x").length}`;

t.test("for ignored hosts, the client's own TLS reaches the server", async (t) => {
	for (const show_ignored_hosts of [false, true]) {
		const { proxy, origin, ask } = await serve(t, { ignore_hosts: ["^bank\\.example:"], show_ignored_hosts });
		t.strictSame(await ask("bank.example"), { isUntouched: true, body });
		t.strictSame(await ask("web.example"), { isUntouched: false, body });
		await proxy.flow(show_ignored_hosts ? 1 : 0);
		t.strictSame(
			proxy.flows.map(({ type }) => type),
			show_ignored_hosts ? ["tcp", "http"] : ["http"],
		);
		const [tcp] = proxy.flows as [TcpFlow];
		if (show_ignored_hosts)
			t.match(tcp, { serverConn: { address: ["127.0.0.1", origin.port] }, messages: [{ fromClient: true }] });
	}
});

t.test("if the address alone decides, a server that sends first is relayed", async (t) => {
	const origin = await startOrigin(t, (client) => void client.send("220 welcome\r\n"));
	const proxy = await startTestProxy(t, { setup: { hosts: await hostsOf({ ignore_hosts: [`:${origin.port}$`] }) } });
	t.equal(await (await proxy.tunnel(origin.authority)).upTo("\r\n"), "220 welcome\r\n");
});

t.test("tcp_hosts: TLS is intercepted, HTTP is not parsed, the bytes are recorded", async (t) => {
	const { proxy, ask } = await serve(t, { tcp_hosts: ["^db\\.example$"] });
	t.strictSame(await ask("db.example"), { isUntouched: false, body });
	await proxy.event("flow");
	const [flow] = proxy.flows as [TcpFlow];
	t.match(flow, { type: "tcp", clientConn: { tls: true, sni: "db.example" }, serverConn: { tls: true } });
	t.equal(
		Buffer.concat(flow.messages.filter(({ fromClient }) => fromClient).map(({ content }) => content)).toString(),
		head("Host: x"),
	);
});

t.test("tcp_hosts: the client gets no protocol that the server does not support", async (t) => {
	for (const connection_strategy of ["eager", "lazy"]) {
		const { origin, proxy } = await serve(t, { tcp_hosts: ["."] }, { connection_strategy });
		const client = await (await proxy.tunnel(origin.authority)).secure({
			servername: "db",
			rejectUnauthorized: false,
			ALPNProtocols: ["h2", "http/1.1"],
		});
		t.equal((client.socket as TLSSocket).alpnProtocol, "http/1.1", connection_strategy);
		t.equal((await client.send(head("Host: x")).message()).body.toString(), body);
		client.end();
	}
});
