// Messages of a stream by mitmproxy's names.
import t from "tap";
import { StreamMessageView } from "../../../src/scripts/stream-message-view.ts";

t.test("properties are read and written", async (t) => {
	const shown = { fromClient: true, content: Buffer.from("a"), timestamp: 5 };
	const view = new StreamMessageView(shown);
	t.match(view, { from_client: true, timestamp: 5, content: Buffer.from("a") });
	view.content = new Uint8Array([66]);
	t.same(shown.content, Buffer.from("B"));
	t.throws(() => {
		view.content = "text" as never;
	}, /content: expected bytes/);
});
