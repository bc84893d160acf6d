// TLS with clients: the user's own certificates, those of the authority, and versions.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { createSecureContext, type TLSSocket } from "node:tls";
import t, { type Test } from "tap";
import { startOrigin } from "../../../../fixtures/origin-server.ts";
import { makeCertificate } from "../../../../fixtures/own-certificate.ts";
import { Peer } from "../../../../fixtures/peer.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { openAuthority } from "../../../../src/ca/authority.ts";
import { defaults } from "../../../../src/options.ts";
import { clientContextOptions, options, withOwnCertificates } from "../../../../src/proxy/tls/client-options.ts";

const home = join(t.testdir(), "home");
const authority = await openAuthority(home);
const valuesOf = (more: object) => ({ ...defaults(options), ...more });

/** The certificate that a proxy with this option shows to a client. */
async function shown(
	t: Test,
	certs: readonly string[],
	name: string,
	more: object = {},
): Promise<{ names: string | undefined; count: number }> {
	const issuer = withOwnCertificates(authority, valuesOf({ certs, ...more }));
	const proxy = await startTestProxy(t, { authority: issuer, upstream: null });
	const client = await (await proxy.tunnel(`${name}:443`)).secure({ servername: name, rejectUnauthorized: false });
	const certificate = (client.socket as TLSSocket).getPeerX509Certificate();
	let count = 0;
	for (let one = certificate; one !== undefined; one = one.issuerCertificate) count++;
	return { names: certificate?.subjectAltName, count };
}

t.test("own certificates", async (t) => {
	const [wild, other] = [makeCertificate({ names: ["*.wild.example"] }), makeCertificate({ names: ["other.example"] })];
	const encrypted = createPrivateKey(other.key).export({
		type: "pkcs8",
		format: "pem",
		cipher: "aes-256-cbc",
		passphrase: "secret",
	});
	const folder = t.testdir({
		"wild.pem": wild.certificate + wild.key,
		"other.pem": `${other.key}${other.certificate}${wild.certificate}`,
		"encrypted.pem": other.certificate + encrypted,
	});
	const path = (name: string) => join(folder, name);
	const certs = [path("wild.pem").replace(/^/, "a.example="), `*.b.example=${path("other.pem")}`];
	for (const [name, names, count] of [
		["www.wild.example", "DNS:*.wild.example", 1],
		["a.example", "DNS:*.wild.example", 1],
		["x.y.b.example", "DNS:other.example", 2],
		["b.example", "DNS:b.example", 2],
		["elsewhere.example", "DNS:elsewhere.example", 2],
	] as const)
		t.match(await shown(t, certs, name), { names, count }, name);
	t.match(
		await shown(t, [path("wild.pem")], "anything.example"),
		{ names: "DNS:*.wild.example" },
		"without a domain it is for all",
	);
	t.match(await shown(t, [path("encrypted.pem")], "anything.example", { cert_passphrase: "secret" }), {
		names: "DNS:other.example",
	});
});

t.test("a certificate for the authority's own key needs no key of its own", async (t) => {
	const privateKey = readFileSync(join(home, "flowtape-ca.pem"), "utf8");
	const { certificate } = makeCertificate({ names: ["mine.example"], privateKey });
	const path = join(t.testdir({ "mine.pem": certificate }), "mine.pem");
	t.match(await shown(t, [path], "mine.example"), { names: "DNS:mine.example" });
});

t.test("invalid certificates", async (t) => {
	const [one, other] = [makeCertificate({ names: ["one.example"] }), makeCertificate({ names: ["other.example"] })];
	const encrypted = createPrivateKey(one.key).export({
		type: "pkcs8",
		format: "pem",
		cipher: "aes-256-cbc",
		passphrase: "secret",
	});
	const folder = t.testdir({
		text: "no certificate",
		bare: one.certificate,
		mixed: one.certificate + other.key,
		encrypted: one.certificate + encrypted,
	});
	for (const [name, message] of [
		["none", /expected a file of certificates: ENOENT/],
		["text", /expected a certificate and its key in PEM/],
		["bare", /it contains no private key, and the certificate does not match the key of the authority/],
		["mixed", /the key does not match the first certificate/],
		["encrypted", /an encrypted key needs cert_passphrase/],
	] as const)
		t.throws(
			() => withOwnCertificates(authority, valuesOf({ certs: [`x.example=${join(folder, name)}`] })),
			{ code: "FT_BAD_OPTION", option: "certs", message },
			name,
		);
	t.equal(withOwnCertificates(authority, valuesOf({})), authority);
});

t.test("versions", async (t) => {
	const context = clientContextOptions(valuesOf({ tls_version_client_max: "TLS1_2" }));
	const proxy = await startTestProxy(t, { authority: await openAuthority(home, { context }), upstream: null });
	const client = await (await proxy.tunnel("a.example:443")).secure({
		servername: "a.example",
		ca: authority.certificatePem,
	});
	t.equal((client.socket as TLSSocket).getProtocol(), "TLSv1.2");
	await t.rejects(
		(await proxy.tunnel("a.example:443")).secure({
			servername: "a.example",
			ca: authority.certificatePem,
			minVersion: "TLSv1.3",
		}),
	);
	t.throws(
		() => clientContextOptions(valuesOf({ tls_version_client_min: "TLS1_3", tls_version_client_max: "TLS1_2" })),
		{
			code: "FT_BAD_OPTION",
			message: /no version is left/,
		},
	);
});

/** All bytes of a proxy's handshake, in a version that does not encrypt them. */
async function handshakeBytes(t: Test, port: number, target: string): Promise<Buffer> {
	const chunks: Buffer[] = [];
	const relay = createServer((client) => {
		const server = connect(port, "127.0.0.1").on("data", (chunk) => chunks.push(chunk));
		client.pipe(server).pipe(client);
		client.on("error", () => {}).on("close", () => server.destroy());
	}).listen(0, "127.0.0.1");
	t.teardown(() => relay.close());
	await once(relay, "listening");
	const client = await Peer.to((relay.address() as AddressInfo).port);
	await client.send(`CONNECT ${target} HTTP/1.1\r\n\r\n`).head();
	(await client.secure({ rejectUnauthorized: false, maxVersion: "TLSv1.2" })).close();
	return Buffer.concat(chunks);
}

t.test("the server's own certificates follow the leaf", async (t) => {
	const own = makeCertificate({ names: ["origin.example"] });
	const secureContext = createSecureContext({ cert: own.certificate, key: own.key });
	const origin = await startOrigin(t, () => {}, { tls: { secureContext } });
	for (const add_upstream_certs_to_client_chain of [true, false]) {
		const proxy = await startTestProxy(t, {
			authority,
			options: { ssl_insecure: true, add_upstream_certs_to_client_chain },
		});
		const bytes = await handshakeBytes(t, proxy.port, origin.authority);
		t.equal(bytes.includes(new X509Certificate(own.certificate).raw), add_upstream_certs_to_client_chain);
		t.equal(bytes.includes(authority.certificate.raw), true, "our authority is in the chain anyway");
	}
});
