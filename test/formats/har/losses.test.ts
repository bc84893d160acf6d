// Counts losses by kind.
import t from "tap";
import { httpFlow, udpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { reports } from "../../../fixtures/tape-files.ts";
import { Losses } from "../../../formats/har/losses.ts";
import { Headers } from "../../../src/flow/headers.ts";

t.test("parts and kinds", async (t) => {
	const { list, report } = reports();
	const losses = new Losses("a.har", report);
	const anonymous = { clientConn: { peername: null }, serverConn: { tlsVersion: null } };
	losses.note(httpFlow(anonymous));
	losses.note(httpFlow({ ...anonymous, metadata: { har: {} } }));
	losses.report();
	t.same(list, [], "a plain flow loses nothing");
	losses.note(udpFlow());
	losses.note(websocketFlow(anonymous));
	losses.note(
		httpFlow({
			marked: "x",
			isReplay: "request",
			backup: {},
			metadata: { a: 1 },
			request: { trailers: Headers.of(["a", "b"]) },
		}),
	);
	losses.note(httpFlow({ ...anonymous, request: { headers: new Headers(["a", "\xff"]) } }));
	const stray = websocketFlow(anonymous);
	if (stray.websocket !== null) {
		const message = { fromClient: true, timestamp: 0, dropped: false, injected: false, content: Buffer.from([0xff]) };
		stray.websocket.closeCode = null;
		stray.websocket.messages = [1, 2].map((opcode) => ({ ...message, opcode }));
	}
	losses.note(stray);
	losses.note(
		httpFlow({ ...anonymous, response: { body: { size: 2 ** 30, read: () => Buffer.alloc(0), chunks: () => [] } } }),
	);
	losses.report();
	t.match(list[0], { code: "FT_LOSS", message: "a.har: HAR cannot store these flows: UDP (1): left out" });
	for (const part of [
		"bodies over 256 MiB",
		"trailers",
		"header bytes that are not UTF-8",
		"bytes of WebSocket texts that are not UTF-8",
		"how WebSockets ended",
		"marks",
		"notes",
		"whether they were replayed",
		"versions before editing",
		"clients and TLS",
	])
		t.match(list[1]?.message, `${part} (1)`);
	losses.report(2);
	t.equal(
		list.at(-1)?.message,
		'a.har: 2 bodies inflate to so many bytes that they are kept compressed, marked by "_asSent"',
	);
	losses.report(1);
	t.match(list.at(-1)?.message, /: 1 body inflates to so many bytes that it is kept compressed/);
});
