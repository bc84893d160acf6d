// Client certificates for servers.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createSecureContext, createServer as createTlsServer, type TLSSocket } from "node:tls";
import t, { type Test } from "tap";
import { answering, ask, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { makeCertificate } from "../../../../fixtures/own-certificate.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { ClientCertificates } from "../../../../src/proxy/tls/client-certificates.ts";

const pem = (name: string) => {
	const { certificate, key } = makeCertificate({ names: [name] });
	return certificate + key;
};

t.test("one for all servers, or one for each name", async (t) => {
	const [one, other] = [pem("one"), pem("other")];
	const folder = t.testdir({
		"one.pem": one,
		some: { "example.com.pem": one, "LOCALHOST.pem": other, "readme.txt": "no certificate" },
	});
	const single = new ClientCertificates(join(folder, "one.pem"));
	t.equal(single.forServer("example.com"), one);
	const some = new ClientCertificates(join(folder, "some"));
	t.strictSame(
		[some.forServer("Example.com"), some.forServer("localhost"), some.forServer("www.example.com")],
		[one, other, undefined],
	);
	t.equal(new ClientCertificates(null).forServer("example.com"), undefined);
});

t.test("invalid certificates", async (t) => {
	const [one, other] = [makeCertificate({ names: ["one"] }), makeCertificate({ names: ["other"] })];
	const folder = t.testdir({ "no.pem": "text", "bare.pem": one.certificate, "mixed.pem": one.certificate + other.key });
	const rejects = (name: string, message: RegExp) =>
		t.throws(
			() => new ClientCertificates(join(folder, name)),
			{ code: "FT_BAD_OPTION", option: "client_certs", message },
			name,
		);
	rejects("none.pem", /client_certs: ENOENT/);
	rejects("no.pem", /no\.pem: expected a certificate and its key in PEM/);
	rejects("bare.pem", /expected a certificate and its key in PEM/);
	rejects("mixed.pem", /the key does not match the certificate/);
});

t.test("a server receives it", async (t) => {
	const own = makeCertificate({ names: ["the-proxy.example"] });
	const { certificate, key } = makeCertificate({ names: ["127.0.0.1"] });
	const origin = await startOrigin(
		t,
		(client, index) =>
			answering(() => ok(String((client.socket as TLSSocket).getPeerCertificate().subject?.CN)))(client, index),
		{
			tls: {
				secureContext: createSecureContext({ cert: certificate, key }),
				requestCert: true,
				rejectUnauthorized: false,
			},
		},
	);
	const seen = async (t: Test, client_certs: string | null) => {
		const proxy = await startTestProxy(t, { options: { ssl_insecure: true, client_certs } });
		const client = await proxy.connect();
		return (await client.send(ask("GET", origin.authority, "/").replace("http:", "https:")).message()).body.toString();
	};
	t.equal(await seen(t, join(t.testdir({ "own.pem": own.certificate + own.key }), "own.pem")), "the-proxy.example");
	t.equal(await seen(t, null), "undefined");
});

t.test("if a server requires a client certificate, the error names the option", async (t) => {
	const { certificate: cert, key } = makeCertificate({ names: ["127.0.0.1"] });
	const proxy = await startTestProxy(t, { options: { ssl_insecure: true } });
	for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const)
		for (const ALPNProtocols of [["http/1.1"], ["h2"]]) {
			const server = createTlsServer(
				{ cert, key, requestCert: true, rejectUnauthorized: true, maxVersion, ALPNProtocols },
				(socket) => socket.end(),
			);
			t.teardown(() => void server.close());
			await once(server.listen(0, "127.0.0.1"), "listening");
			const client = await proxy.connect();
			const request = ask("GET", `127.0.0.1:${(server.address() as AddressInfo).port}`, "/").replace("http:", "https:");
			const { head, body } = await client.send(request).message();
			t.match(head, "HTTP/1.1 502 ");
			t.match(body.toString(), "client_certs", `${maxVersion}, ${ALPNProtocols}`);
		}
});
