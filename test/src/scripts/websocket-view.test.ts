// WebSocket conversations by mitmproxy's names.
import t from "tap";
import type { WebSocketData, WebSocketMessage } from "../../../src/flow/flow.ts";
import { WebSocketMessageView, WebSocketView } from "../../../src/scripts/websocket-view.ts";

const message = (opcode: number, text: string): WebSocketMessage => ({
	opcode,
	fromClient: true,
	content: Buffer.from(text),
	timestamp: 5,
	dropped: false,
	injected: false,
});

t.test("a message", async (t) => {
	const shown = message(1, "grün");
	const view = new WebSocketMessageView(shown);
	t.match(view, {
		from_client: true,
		type: 1,
		is_text: true,
		timestamp: 5,
		text: "grün",
		dropped: false,
		injected: false,
	});
	view.text = "blau";
	t.equal(shown.content.toString(), "blau");
	view.content = new Uint8Array([65]);
	t.equal(view.text, "A");
	t.ok(Buffer.isBuffer(view.content));
	view.drop();
	t.equal(shown.dropped, true);
	view.dropped = false;
	t.equal(shown.dropped, false);
	const binary = new WebSocketMessageView(message(2, "x"));
	t.throws(() => binary.text, /binary/);
	t.throws(() => {
		binary.text = "y";
	}, /binary/);
});

t.test("a conversation", async (t) => {
	const sent: unknown[] = [];
	const data: WebSocketData = {
		messages: [message(1, "a")],
		closedByClient: null,
		closeCode: null,
		closeReason: null,
		timestampEnd: null,
	};
	const view = new WebSocketView(data);
	t.equal(view.messages[0], view.messages[0], "a message has one view");
	t.throws(() => view.inject(true, "x"), /not live/);
	data.inject = (...args) => void sent.push(args);
	view.inject(true, "text");
	view.inject(false, new Uint8Array([1]));
	t.strictSame(sent, [
		[true, Buffer.from("text"), 1],
		[false, Buffer.of(1), 2],
	]);
	Object.assign(data, { closedByClient: true, closeCode: 1000, closeReason: "bye", timestampEnd: 9 });
	t.match(view, { closed_by_client: true, close_code: 1000, close_reason: "bye", timestamp_end: 9 });
});
