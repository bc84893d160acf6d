// A proxy's authentication challenge is distinguished from a server's.
import t from "tap";
import { Headers } from "../../../src/flow/headers.ts";
import { isProxyChallenge, OWN_CHALLENGE } from "../../../src/flow/proxy-challenge.ts";

t.test("by status and challenge", async (t) => {
	const is = (statusCode: number, ...fields: string[]) =>
		isProxyChallenge({ statusCode, headers: new Headers(fields) });
	t.equal(is(407, "Proxy-Authenticate", OWN_CHALLENGE), true);
	t.equal(is(407, "Proxy-Authenticate", "Negotiate", "Proxy-Authenticate", "NTLM"), true, "of another proxy");
	t.equal(is(401, "www-authenticate", OWN_CHALLENGE), true);
	t.equal(is(401, "WWW-Authenticate", 'Basic realm="flowtape"'), false);
	t.equal(is(401, "Proxy-Authenticate", OWN_CHALLENGE), false);
	t.equal(is(200, "WWW-Authenticate", OWN_CHALLENGE), false);
	t.equal(is(407), false);
});
