// If a hook answered a client that sent `Connection: close`, the response lacked that header. Node's agent then sent
// the next request on the same connection, and failed.
import t from "tap";
import { Peer } from "../../fixtures/peer.ts";
import { startTestProxy } from "../../fixtures/running-proxy.ts";
import { makeResponse } from "../../src/hooks/make-response.ts";

t.test("a response after which the connection is closed has Connection: close", async (t) => {
	const hook = {
		name: "answer",
		request: (_flow: unknown, turn: { answer(response: ReturnType<typeof makeResponse>, by: string): void }) =>
			turn.answer(makeResponse(200, [], Buffer.from("x"), 0), "answer"),
	};
	const proxy = await startTestProxy(t, { upstream: null, hooks: [hook] });
	const ask = async (field: string) => {
		const peer = await Peer.to(proxy.port);
		const { head } = await peer.send(`GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n${field}\r\n`).message();
		return { head, peer };
	};
	const closing = await ask("Connection: close\r\n");
	t.match(closing.head, /\r\nConnection: close\r\n/);
	t.equal(await closing.peer.rest(), "");
	const kept = await ask("");
	t.notMatch(kept.head, /Connection/i);
	kept.peer.close();
});
