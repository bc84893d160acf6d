// Node's HTTP/2: when it is loaded, and the settings of sessions.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import t from "tap";
import { openHttp2, startHttp2Origin } from "../../../../fixtures/http2-peers.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { errorName } from "../../../../src/proxy/http2/module.ts";

t.test("it is loaded for the first HTTP/2 connection", async (t) => {
	const server = new URL("../../../../src/proxy/server.js", import.meta.url);
	const code = `await import(${JSON.stringify(server.href)}); console.log(String(process.moduleLoadList.includes("NativeModule http2")))`;
	const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", code]);
	t.equal(stdout.trim(), "false");
});

t.test("large windows on both sides, and the limits of HTTP/1.1 for heads", async (t) => {
	const origin = await startHttp2Origin(t, (stream) => {
		stream.respond();
		stream.end();
	});
	const proxy = await startTestProxy(t);
	const session = await openHttp2(t, proxy, origin.authority);
	const settled = new Promise((resolve) => session.once("remoteSettings", resolve));
	t.match(await settled, {
		initialWindowSize: 1024 * 1024,
		maxHeaderListSize: 256 * 1024,
		enableConnectProtocol: true,
	});
	await new Promise((resolve) => session.request({ ":path": "/" }).resume().on("close", resolve));
	t.match(origin.sessions[0]?.remoteSettings, {
		initialWindowSize: 1024 * 1024,
		maxHeaderListSize: 256 * 1024,
		enablePush: false,
	});
});

t.test("names of error codes", async (t) => {
	t.equal(errorName(0), "NO_ERROR");
	t.equal(errorName(8), "CANCEL");
	t.equal(errorName(13), "HTTP_1_1_REQUIRED");
	t.equal(errorName(99), "error 99");
});
