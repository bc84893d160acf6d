// Connections on which nghttp2 has stopped reading: a server sends invalid frames, and keeps the connection open.
import { connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import t, { type Test } from "tap";
import { startOrigin } from "../../../../fixtures/origin-server.ts";
import { detectInvalidSettings, detectStall } from "../../../../src/proxy/upstream/http2-stall.ts";

/** A session with a server that sends these frames, in hexadecimal digits, and then no more. */
async function sessionWith(t: Test, frames: string) {
	const origin = await startOrigin(t, async (server) => {
		await server.take(24);
		server.send(Buffer.from(frames, "hex"));
	});
	const socket = connectTcp(origin.port, "127.0.0.1");
	const session = connect("http://server.invalid", { createConnection: () => socket });
	session.on("error", () => {});
	t.teardown(() => session.destroy());
	return { session, socket };
}

t.test("an invalid SETTINGS frame", async (t) => {
	const { session, socket } = await sessionWith(t, "0000050400000000000102030405");
	const reason = await new Promise((resolve) => detectInvalidSettings(session, socket, resolve));
	t.equal(reason, "its SETTINGS frame is invalid");
});

t.test("a connection error after which nothing is sent", async (t) => {
	const { session, socket } = await sessionWith(t, "000000040000000000" + "000003060000000000616263");
	const reason = await new Promise((resolve) => detectStall(session, socket, () => true, resolve));
	t.equal(reason, "it sent an invalid frame");
});

t.test("nothing is checked while no response is to come", async (t) => {
	const { session, socket } = await sessionWith(t, "000000040000000000" + "000003060000000000616263");
	const failures: string[] = [];
	await new Promise<void>((resolve) => {
		let looks = 0;
		const isWaiting = () => {
			if (++looks === 2) resolve();
			return false;
		};
		detectStall(session, socket, isWaiting, (reason) => failures.push(reason));
	});
	t.strictSame(failures, []);
});
