// Credentials for the server of a reverse proxy.
import t from "tap";
import { answering, ok, startOrigin } from "../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../fixtures/running-proxy.ts";
import { createUpstreamAuth, upstreamCredentials } from "../../../src/hooks/upstream-auth.ts";

const credentials = "Basic dXNlcjpwYTpzcw==";

t.test("user and password", async (t) => {
	t.equal(upstreamCredentials({ upstream_auth: null }), null);
	t.equal(upstreamCredentials({ upstream_auth: "user:pa:ss" }), credentials);
	t.equal(upstreamCredentials({ upstream_auth: "test:" }), "Basic dGVzdDo=");
	for (const upstream_auth of ["", ":", ":x", "user"])
		t.throws(() => createUpstreamAuth({ upstream_auth }), { code: "FT_BAD_OPTION", option: "upstream_auth" });
	t.equal(createUpstreamAuth({ upstream_auth: null }), null);
});

t.test("every request of reverse mode, and no other", async (t) => {
	const origin = await startOrigin(
		t,
		answering((head) => ok(head)),
	);
	const hook = createUpstreamAuth({ upstream_auth: "user:pa:ss" });
	for (const [mode, expected] of [
		[`reverse:http://${origin.authority}`, credentials],
		["regular", "Bearer own"],
	] as const) {
		const proxy = await startTestProxy(t, { options: { mode: [mode] }, hooks: hook === null ? [] : [hook] });
		const client = await proxy.connect();
		const { body } = await client
			.send(`GET http://${origin.authority}/ HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer own\r\n\r\n`)
			.message();
		t.match(body.toString(), `\r\nAuthorization: ${expected}\r\n`);
		t.equal((await proxy.flow(0)).request.headers.get("authorization"), expected);
	}
});
