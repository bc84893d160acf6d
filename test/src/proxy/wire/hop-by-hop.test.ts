// Hop-by-hop fields.
import t from "tap";
import {
	endToEnd,
	expectsContinue,
	isBoundLogin,
	isLastingLogin,
	isPersistent,
	upgradeOf,
} from "../../../../src/proxy/wire/hop-by-hop.ts";

t.test("whether the connection stays open", async (t) => {
	for (const [version, fields, want] of [
		["HTTP/1.1", [], true],
		["HTTP/1.0", [], false],
		["HTTP/1.1", ["Connection", "close"], false],
		["HTTP/1.1", ["connection", "x,\tCLOSE "], false],
		["HTTP/1.1", ["Connection", "x", "Connection", "close"], false],
		["HTTP/1.1", ["Connection", "closed"], true],
		["HTTP/1.1", ["X-Connection", "close"], true],
		["HTTP/1.0", ["Connection", "Keep-Alive"], true],
		["HTTP/1.0", ["Connection", "keep-alive, close"], false],
		["HTTP/1.0", ["Connection", "upgrade"], false],
	] as const)
		t.equal(isPersistent(version, [...fields]), want, `${version} ${fields}`);
});

t.test("whether the sender waits for 100 Continue", async (t) => {
	t.equal(expectsContinue("HTTP/1.1", ["Expect", "100-Continue"]), true);
	t.equal(expectsContinue("HTTP/1.0", ["Expect", "100-continue"]), false);
	t.equal(expectsContinue("HTTP/1.1", ["Expect", "something"]), false);
	t.equal(expectsContinue("HTTP/1.1", []), false);
});

t.test("a switch of protocols needs both fields", async (t) => {
	t.equal(upgradeOf("HTTP/1.1", ["Connection", "keep-alive, Upgrade", "Upgrade", "WebSocket"]), "WebSocket");
	t.equal(upgradeOf("HTTP/1.1", ["Upgrade", "websocket"]), null);
	t.equal(upgradeOf("HTTP/1.1", ["Connection", "upgrade"]), null);
	t.equal(upgradeOf("HTTP/1.1", ["Connection", "upgrade", "Upgrade", ""]), null);
	t.equal(upgradeOf("HTTP/1.0", ["Connection", "upgrade", "Upgrade", "x"]), null);
});

t.test("credentials for a connection, for one request, and for many requests", async (t) => {
	for (const [credentials, isBound, isLasting] of [
		["Basic dTpw", false, true],
		["bearer x", false, true],
		['Digest username="u", response="1"', false, false],
		["NTLM TlRM", true, false],
		["negotiate YII", true, false],
		["Kerberos YII", true, false],
	] as const) {
		t.equal(isBoundLogin(credentials), isBound, credentials);
		t.equal(isLastingLogin(credentials), isLasting, credentials);
	}
});

t.test("end-to-end fields", async (t) => {
	const fields = [
		"Connection",
		"X-Hop, close",
		"x-hop",
		"1",
		"Proxy-Connection",
		"close",
		"Keep-Alive",
		"timeout=5",
		"X-End",
		"2",
		"Transfer-Encoding",
		"chunked",
	];
	t.strictSame(endToEnd(fields), ["X-End", "2"]);
});
