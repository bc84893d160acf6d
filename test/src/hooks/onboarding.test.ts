// The page for clients that do not trust the authority yet.
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import t from "tap";
import { answering, ask, ok, startOrigin } from "../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../fixtures/running-proxy.ts";
import { openAuthority } from "../../../src/ca/authority.ts";
import { createTrustGuide } from "../../../src/ca/trust-guide.ts";
import type { Hook } from "../../../src/hooks/hook.ts";
import { createOnboarding } from "../../../src/hooks/onboarding.ts";

const authority = await openAuthority(join(t.testdir(), "home"));
const guide = createTrustGuide(authority);
const on = { onboarding: true, onboarding_host: "Flowtape.invalid" };

t.test("disabled, or without a certificate", async (t) => {
	t.equal(createOnboarding({ ...on, onboarding: false }, { guide }), null);
	t.equal(createOnboarding(on, {}), null, "there is nothing to show");
});

t.test("the page and the certificate, even without a network", async (t) => {
	const proxy = await startTestProxy(t, { hooks: [createOnboarding(on, { guide }) as Hook], upstream: null });
	const client = await proxy.connect();
	const get = async (path: string, method = "GET") => {
		const { head, body } = await client.send(ask(method, "flowtape.invalid", path)).message();
		return { head, body };
	};
	const page = await get("/?from=here");
	t.match(page.head, /^HTTP\/1\.1 200 .*\r\nContent-Type: text\/html; charset=utf-8\r\n/s);
	t.match(page.body.toString(), authority.certificate.fingerprint256);
	for (const [format, type] of [
		["pem", "application/x-x509-ca-cert"],
		["der", "application/x-x509-ca-cert"],
	] as const) {
		const { head, body } = await get(`/cert/${format}`);
		t.match(head, `\r\nContent-Type: ${type}\r\nContent-Disposition: attachment; filename="flowtape-ca.`);
		t.equal(new X509Certificate(body).fingerprint256, authority.certificate.fingerprint256, format);
	}
	const { head, body } = await get("/cert/p12");
	t.match(head, "\r\nContent-Type: application/x-pkcs12\r\n");
	t.equal(body.includes(authority.certificate.raw), true);
	t.match(await get("/cert/key"), { head: /^HTTP\/1\.1 404 /, body: /not found; the page is at/ });
	t.equal((await proxy.flow(0)).response?.statusCode, 200, "it is on the tape like all others");
});

t.test("requests to other hosts are not answered", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("hi")),
	);
	const hook = createOnboarding({ ...on, onboarding_host: "127.0.0.1" }, { guide }) as Hook;
	const proxy = await startTestProxy(t, { hooks: [hook] });
	const client = await proxy.connect();
	t.equal((await client.send(ask("GET", `localhost:${origin.port}`, "/cert/pem")).message()).body.toString(), "hi");
	t.match(
		(await client.send(ask("GET", origin.authority, "/cert/pem")).message()).body.toString(),
		"BEGIN CERTIFICATE",
	);
});
