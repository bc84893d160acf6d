// The authority in use: real handshakes with clients that trust only its certificate.
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { mock } from "node:test";
import { connect, type PeerCertificate, TLSSocket } from "node:tls";
import { promisify } from "node:util";
import t, { type Test } from "tap";
import { type CertificateAuthority, openAuthority } from "../../../src/ca/authority.ts";

const home = join(t.testdir(), "home");
const authority = await openAuthority(home);

/** A server that shows the leaf of `leafFor`, and answers "hello" over HTTP. */
async function startServer(
	t: Test,
	issuer: CertificateAuthority,
	host: string,
	upstreamNames: string[] = [],
): Promise<number> {
	const sockets = new Set<Socket>();
	const server: Server = createServer((socket) => {
		sockets.add(socket.on("error", () => socket.destroy()));
		const secured = new TLSSocket(socket, {
			isServer: true,
			secureContext: issuer.leafFor({ sni: null, host, upstreamNames }).context,
			SNICallback: (sni, done) => done(null, issuer.leafFor({ sni, host, upstreamNames }).context),
		});
		secured.on("error", () => socket.destroy());
		secured.once("data", () => secured.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"));
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	t.teardown(() => {
		server.close();
		for (const socket of sockets) socket.destroy();
	});
	return (server.address() as AddressInfo).port;
}

async function handshake(port: number, options: { servername?: string; host?: string }): Promise<PeerCertificate> {
	const socket = connect({ port, host: "127.0.0.1", ca: authority.certificatePem, ...options });
	try {
		await once(socket, "secureConnect");
		return socket.getPeerCertificate(true);
	} finally {
		socket.destroy();
	}
}

t.test("the certificate has the SNI, the host and the names of the server's own certificate", async (t) => {
	const port = await startServer(t, authority, "origin.example", ["*.wild.example", "10.1.2.3"]);
	for (const servername of ["www.example.com", "origin.example", "any.wild.example", "xn--bcher-kva.example"]) {
		const leaf = await handshake(port, { servername });
		t.equal(leaf.subject.CN, servername);
		t.match(leaf.subjectaltname, "DNS:*.wild.example, IP Address:10.1.2.3");
		t.equal(
			(leaf as { issuerCertificate?: { fingerprint256?: string } }).issuerCertificate?.fingerprint256,
			authority.certificate.fingerprint256,
		);
	}
	await t.rejects(handshake(await startServer(t, authority, "other.example"), {}), {
		code: "ERR_TLS_CERT_ALTNAME_INVALID",
	});
});

t.test("a client that connects to an address sends no SNI", async (t) => {
	const leaf = await handshake(await startServer(t, authority, "127.0.0.1"), { host: "127.0.0.1" });
	t.equal(leaf.subjectaltname, "IP Address:127.0.0.1");
});

t.test("a client that does not trust the authority refuses", async (t) => {
	const port = await startServer(t, authority, "a.example");
	const socket = connect({ port, host: "127.0.0.1", servername: "a.example", ca: [] });
	await t.rejects(once(socket, "secureConnect"), { code: "SELF_SIGNED_CERT_IN_CHAIN" });
});

t.test("leaves are cached by their names", async (t) => {
	const one = authority.leafFor({ sni: "a.example", host: "a.example" });
	t.equal(authority.leafFor({ sni: "A.example.", host: "a.example", upstreamNames: ["a.example"] }), one);
	t.equal(authority.leafFor({ sni: null, host: "a.example" }), one);
	t.not(authority.leafFor({ sni: "a.example", host: "b.example" }), one);
	t.not(authority.leafFor({ sni: "a.example", host: "a.example", organization: "A" }), one);
	const leaf = new X509Certificate(one.certificate);
	t.equal(leaf.subjectAltName, "DNS:a.example");
	t.ok(leaf.checkIssued(authority.certificate));
	t.match(
		authority.leafFor({ sni: "a.example", host: "", organization: "A & Söhne" }).pem,
		/^-----BEGIN CERTIFICATE-----\n/,
	);
	t.equal(new X509Certificate(authority.leafFor({ sni: null, host: "" }).pem).subjectAltName, "DNS:flowtape.invalid");
});

t.test("the least recently used leaf is evicted first", async (t) => {
	const own = await openAuthority(home);
	const first = own.leafFor({ sni: null, host: "first.example" });
	const second = own.leafFor({ sni: null, host: "second.example" });
	for (let at = 0; at < 998; at++) own.leafFor({ sni: null, host: `h${at}.example` });
	t.equal(own.leafFor({ sni: null, host: "first.example" }), first, "a thousand are kept");
	own.leafFor({ sni: null, host: "one-more.example" });
	t.equal(own.leafFor({ sni: null, host: "first.example" }), first);
	t.not(own.leafFor({ sni: null, host: "second.example" }), second);
});

t.test("the same authority serves every process of the home folder", async (t) => {
	const again = await openAuthority(home, { create: false });
	t.equal(again.certificatePem, authority.certificatePem);
	const port = await startServer(t, again, "a.example");
	t.equal((await handshake(port, { servername: "a.example" })).subject.CN, "a.example");
});

/** Runs a program. Returns its output; null: it is not installed. */
async function tool(command: string, args: string[]): Promise<string | null> {
	try {
		return (await promisify(execFile)(command, args, { env: { PATH: process.env.PATH, HOME: home } })).stdout;
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
		throw error;
	}
}

t.test("other clients trust it too, if they are installed", async (t) => {
	const port = await startServer(t, authority, "127.0.0.1");
	const file = authority.certificateFile;
	const leafFile = join(home, "leaf.pem");
	writeFileSync(leafFile, authority.leafFor({ sni: "a.example", host: "127.0.0.1" }).pem);
	const fromCurl = ["-sS", "--cacert", file, "--noproxy", "*", "--resolve", `a.example:${port}:127.0.0.1`];
	const python = `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
if hasattr(ssl, "VERIFY_X509_STRICT"): context.verify_flags |= ssl.VERIFY_X509_STRICT
for name in ["a.example", "127.0.0.1"]:
    with context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[2]))), server_hostname=name) as s:
        s.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        print(s.recv(99)[-5:].decode())
`;
	const answers: [client: string, answer: string | null, expected: RegExp][] = [
		["curl, by name", await tool("curl", [...fromCurl, `https://a.example:${port}/`]), /^hello$/],
		["curl, by address", await tool("curl", [...fromCurl, `https://127.0.0.1:${port}/`]), /^hello$/],
		[
			"openssl",
			await tool("openssl", ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", file, leafFile]),
			/: OK\n$/,
		],
		["python", await tool("python3", ["-c", python, file, String(port)]), /^hello\nhello\n$/],
	];
	for (const [client, answer, expected] of answers)
		t.match(answer ?? `not installed: ${expected}`, answer === null ? /not installed/ : expected, client);
});

t.test("the pin is that of the public key", async (t) => {
	t.match(authority.pin, /^[A-Za-z0-9+/]{43}=$/);
});

t.test("the user's own certificate is used if it is for the authority's key", async (t) => {
	t.ok(authority.contextOf(authority.certificatePem));
	t.equal(authority.contextOf((await openAuthority(join(t.testdir(), "other"))).certificatePem), null);
});

t.test("in a long-running proxy, a leaf is replaced before it expires, and when the clock is set back", async (t) => {
	const day = 86_400_000;
	const begun = Date.now();
	mock.timers.enable({ apis: ["Date"], now: begun });
	t.teardown(() => mock.timers.reset());
	const request = { sni: "a.example", host: "a.example" };
	const first = authority.leafFor(request);
	for (const days of [0, 1, 147, -1]) {
		mock.timers.setTime(begun + days * day);
		t.equal(authority.leafFor(request), first, `after ${days} days`);
	}
	for (const days of [149, 1000, -30]) {
		mock.timers.setTime(begun + days * day);
		const leaf = authority.leafFor(request);
		const { validFrom, validTo } = new X509Certificate(leaf.certificate);
		t.not(leaf, first);
		t.ok(Date.parse(validFrom) < Date.now() && Date.parse(validTo) > Date.now() + 30 * day, `valid after ${days} days`);
		t.ok(Date.parse(validTo) - Date.parse(validFrom) <= 180 * day);
		t.equal(authority.leafFor(request), leaf, "and kept");
		t.not(leaf.context, first.context);
	}
});
