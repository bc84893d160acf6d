// Large messages of a stored WebSocket are read when they are needed.
import { join } from "node:path";
import t from "tap";
import { websocketFlow } from "../../../fixtures/build-flow.ts";
import { reports, writeTape } from "../../../fixtures/tape-files.ts";
import { openTape } from "../../../formats/index.ts";
import type { HttpFlow, WebSocketData } from "../../../src/flow/flow.ts";
import { lazyMessages } from "../../../src/flow/lazy-messages.ts";

const large = Buffer.alloc(200_000, Array.from({ length: 5000 }, (_, i) => `${i * 7919}`).join());

async function stored(path: string): Promise<WebSocketData> {
	const messages = [
		{ content: Buffer.from("small") },
		{ content: large, fromClient: true, opcode: 2 },
		{ content: large, dropped: true },
	];
	await writeTape(path, [websocketFlow({ messages })]);
	const source = await openTape(path, { report: reports().report });
	t.teardown(() => source.close());
	for await (const [flow] of source) return (flow as HttpFlow).websocket as WebSocketData;
	throw new Error("the tape is empty");
}

t.test("a tape and another format give the same", async (t) => {
	for (const name of ["a.tape", "a.jsonl"]) {
		const data = await stored(join(t.testdir(), name));
		const read = lazyMessages(data).map(({ content, ...message }) => ({
			...message,
			content: typeof content === "function" ? content() : content,
		}));
		t.same(read, data.messages, name);
		t.equal(read[1]?.content?.length, large.length);
	}
});

t.test("messages that were replaced", async (t) => {
	const data = await stored(join(t.testdir(), "a.tape"));
	data.messages = data.messages.slice(0, 1);
	t.same(
		lazyMessages(data).map(({ content }) => content),
		[Buffer.from("small")],
	);
});
