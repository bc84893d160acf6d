// Earlier messages of a conversation, held until its end.
import t from "tap";
import { tcpFlow, websocketFlow } from "../../../../fixtures/build-flow.ts";
import { EarlierMessages, messagesOf } from "../../../../src/proxy/context/earlier-messages.ts";

t.test("messages come back unchanged", async (t) => {
	const stream = [
		{ fromClient: true, content: Buffer.from("hello"), timestamp: 1_700_000_000.125 },
		{ fromClient: false, content: Buffer.alloc(0), timestamp: 0 },
	];
	const websocket = [
		{ opcode: 1, ...stream[0], dropped: false, injected: true },
		{ opcode: 2, ...stream[1], content: Buffer.alloc(300_000, 0xff), dropped: true, injected: false },
	];
	const [tcp, http] = [tcpFlow({ messages: stream }), websocketFlow({ messages: websocket })];
	for (const messages of [messagesOf(tcp), messagesOf(http)]) {
		const earlier = new EarlierMessages();
		t.equal(earlier.size, 0);
		for (const message of messages) earlier.add(message);
		t.ok(earlier.size > 0);
		t.strictSame(earlier.take(), messages);
		t.equal(earlier.size, 0, "they are no longer held");
		t.strictSame(earlier.take(), []);
	}
});

t.test("cleared messages are released", async (t) => {
	const earlier = new EarlierMessages();
	earlier.add({ fromClient: true, content: Buffer.alloc(200_000), timestamp: 1 });
	earlier.clear();
	t.equal(earlier.size, 0);
	t.strictSame(earlier.take(), []);
});

t.test("an exchange without a WebSocket has no messages", async (t) => {
	t.strictSame(messagesOf(Object.assign(websocketFlow(), { websocket: null })), []);
});
