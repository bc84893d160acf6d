// The authorities that the proxy trusts.
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { makeAuthorities } from "../../../../fixtures/authorities.ts";
import { answering, ask, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { type ProxyParts, startTestProxy } from "../../../../fixtures/running-proxy.ts";

const { originFile, originPem, server } = await makeAuthorities(t);
const origin = await startOrigin(
	t,
	answering(() => ok("hi")),
	{ tls: { secureContext: server({ names: ["127.0.0.1", "localhost"] }) } },
);

/** The status line of a request over TLS. */
async function askWith(t: Test, options: ProxyParts["options"]): Promise<string> {
	const proxy = await startTestProxy(t, { options: options ?? {} });
	const client = await proxy.connect();
	const head = await client.send(ask("GET", origin.authority, "/").replace("http:", "https:")).head();
	return head.slice(0, head.indexOf("\r\n"));
}

const trusted = "HTTP/1.1 200 OK";
const refused = "HTTP/1.1 502 Bad Gateway";

t.test("a file, or a folder with other files", async (t) => {
	const other = await makeAuthorities(t);
	const folder = t.testdir({ certificates: { "readme.txt": "no certificate", sub: {} } });
	const certificates = join(folder, "certificates");
	t.equal(await askWith(t, {}), refused);
	t.equal(await askWith(t, { ssl_verify_upstream_trusted_confdir: certificates }), refused);
	copyFileSync(originFile, join(certificates, "4aeb53e8.0"));
	t.equal(await askWith(t, { ssl_verify_upstream_trusted_confdir: certificates }), trusted);
	t.equal(await askWith(t, { ssl_verify_upstream_trusted_ca: originFile }), trusted);
	const bundle = join(folder, "bundle.pem");
	writeFileSync(bundle, `# ours\n${other.originPem}\n# theirs\n${originPem}`);
	t.equal(await askWith(t, { ssl_verify_upstream_trusted_ca: bundle }), trusted);
});

t.test("Node's trusted certificates stay trusted with the option", async (t) => {
	const folder = t.testdir({});
	const other = await makeAuthorities(t);
	const before = process.env.NODE_EXTRA_CA_CERTS;
	t.teardown(() => {
		if (before === undefined) delete process.env.NODE_EXTRA_CA_CERTS;
		else process.env.NODE_EXTRA_CA_CERTS = before;
	});
	process.env.NODE_EXTRA_CA_CERTS = originFile;
	t.equal(await askWith(t, { ssl_verify_upstream_trusted_ca: other.originFile }), trusted);
	process.env.NODE_EXTRA_CA_CERTS = join(folder, "not-there.pem");
	t.equal(await askWith(t, { ssl_verify_upstream_trusted_ca: other.originFile }), refused);
});

t.test("unreadable certificates are an error at the start", async (t) => {
	const folder = t.testdir({ "text.pem": "hello", empty: {} });
	for (const [options, says] of [
		[
			{ ssl_verify_upstream_trusted_ca: join(folder, "missing.pem") },
			/^ssl_verify_upstream_trusted_ca: the certificates cannot be read: ENOENT/,
		],
		[
			{ ssl_verify_upstream_trusted_ca: join(folder, "empty") },
			/^ssl_verify_upstream_trusted_ca: the certificates cannot be read: EISDIR/,
		],
		[{ ssl_verify_upstream_trusted_ca: join(folder, "text.pem") }, /text\.pem contains no certificate in PEM/],
		[
			{ ssl_verify_upstream_trusted_confdir: join(folder, "missing") },
			/^ssl_verify_upstream_trusted_confdir: the certificates cannot be read: ENOENT/,
		],
	] as const)
		await t.rejects(startTestProxy(t, { options }), { code: "FT_BAD_OPTION", message: says });
});
