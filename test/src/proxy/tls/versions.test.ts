// TLS versions and ciphers: errors, and real handshakes.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type SecureContextOptions } from "node:tls";
import t, { type Test } from "tap";
import { makeCertificate } from "../../../../fixtures/own-certificate.ts";
import { secureOptions, tlsVersionNames } from "../../../../src/proxy/tls/versions.ts";

const { certificate: cert, key } = makeCertificate({ names: ["localhost"] });

/** Version and cipher of a handshake, or the client's error. */
async function shake(
	t: Test,
	settings: SecureContextOptions,
	client: SecureContextOptions = {},
): Promise<{ version: string | null; cipher: string }> {
	const server = createServer({ cert, key, ...settings }).listen(0, "127.0.0.1");
	server.on("tlsClientError", () => {});
	t.teardown(() => server.close());
	await once(server, "listening");
	const socket = connect({
		port: (server.address() as AddressInfo).port,
		host: "127.0.0.1",
		rejectUnauthorized: false,
		...client,
	});
	t.teardown(() => socket.destroy());
	await once(socket, "secureConnect");
	return { version: socket.getProtocol(), cipher: socket.getCipher().name };
}

t.test("versions", async (t) => {
	t.match(await shake(t, secureOptions("client", "TLS1_2", "UNBOUNDED", null)), { version: "TLSv1.3" });
	t.match(await shake(t, secureOptions("client", "TLS1_2", "TLS1_2", null)), { version: "TLSv1.2" });
	const old = { minVersion: "TLSv1", maxVersion: "TLSv1", ciphers: "DEFAULT:@SECLEVEL=0" } as const;
	t.match(await shake(t, secureOptions("client", "UNBOUNDED", "UNBOUNDED", null), old), { version: "TLSv1" });
	await t.rejects(shake(t, secureOptions("client", "TLS1_2", "UNBOUNDED", null), old), { code: /ERR_SSL|ECONNRESET/ });
	for (const name of tlsVersionNames)
		if (name !== "UNBOUNDED") t.doesNotThrow(() => secureOptions("server", name, name, null), name);
	t.throws(() => secureOptions("server", "TLS1_3", "TLS1_2", null), {
		code: "FT_BAD_OPTION",
		option: "tls_version_server_min",
		message: "tls_version_server_min TLS1_3 is above tls_version_server_max TLS1_2: no version is left",
	});
});

t.test("ciphers", async (t) => {
	t.match(await shake(t, secureOptions("client", "TLS1_2", "TLS1_2", "ECDHE-ECDSA-AES256-GCM-SHA384")), {
		cipher: "ECDHE-ECDSA-AES256-GCM-SHA384",
	});
	t.throws(() => secureOptions("client", "TLS1_2", "UNBOUNDED", "NO-SUCH-CIPHER"), {
		code: "FT_BAD_OPTION",
		option: "ciphers_client",
		message: 'ciphers_client: "NO-SUCH-CIPHER" is not a cipher list that OpenSSL knows',
	});
});
