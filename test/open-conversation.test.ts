// Conversations that are stored while they are in progress.
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../fixtures/build-flow.ts";
import { compileFilter } from "../src/filter/compile.ts";
import { type HttpFlow, TcpFlow, type WebSocketMessage } from "../src/flow/flow.ts";
import { openStore } from "../src/store/sqlite/store.ts";

const message = (text: string): WebSocketMessage => ({
	opcode: 1,
	fromClient: true,
	content: Buffer.from(text),
	timestamp: 1,
	dropped: false,
	injected: false,
});

function conversation(id: string): HttpFlow {
	const websocket = {
		messages: [message("first")],
		closedByClient: null,
		closeCode: null,
		closeReason: null,
		timestampEnd: null,
	};
	return httpFlow({ id, response: { statusCode: 101 }, websocket });
}

async function stored(path: string): Promise<HttpFlow[]> {
	const store = openStore(path, { mode: "read", report: () => t.fail("the tape is whole") });
	const flows: HttpFlow[] = [];
	for await (const batch of store.read()) flows.push(...(batch as HttpFlow[]));
	// Parts of them are read when somebody looks.
	t.teardown(() => store.close());
	return flows;
}

const texts = (flow: HttpFlow | undefined) => flow?.websocket?.messages.map(({ content }) => content.toString());

t.test(
	"messages are there once they are committed, the rest when it is closed; what was forgotten meanwhile stays",
	async (t) => {
		const path = join(t.testdir(), "a.tape");
		const store = openStore(path, { mode: "append", report: () => t.fail("nothing goes wrong") });
		const flow = conversation("1");
		const entry = store.open(flow);
		entry.addMessage(message("second"));
		store.append(httpFlow({ id: "2" }));
		store.flush();
		const [open, other] = await stored(path);
		t.strictSame(texts(open), ["first", "second"]);
		t.equal(open?.websocket?.closeCode, null, "it goes on");
		t.equal(other?.id, "2");
		for (let i = 0; i < 2000; i++) entry.addMessage(message(`${i}`));
		Object.assign(flow.websocket ?? {}, {
			messages: [message("1999")],
			closedByClient: true,
			closeCode: 1000,
			closeReason: "done",
			timestampEnd: 9,
		});
		flow.error = { message: "odd", timestamp: 3 };
		flow.clientConn.timestampEnd = 8;
		flow.metadata.note = "kept";
		entry.close();
		await store.close();
		const [closed] = await stored(path);
		t.equal(closed?.websocket?.messages.length, 2002);
		t.match(closed?.websocket, { closedByClient: true, closeCode: 1000, closeReason: "done", timestampEnd: 9 });
		t.match(closed, { error: { message: "odd" }, clientConn: { timestampEnd: 8 }, metadata: { note: "kept" } });
		const counting = openStore(path, { mode: "read", report: () => {} });
		t.equal(await counting.count(compileFilter("~e")), 1, "columns follow");
		await counting.close();
	},
);

t.test("a TCP flow is stored the same way", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const store = openStore(path, { mode: "append", report: () => t.fail("nothing goes wrong") });
	const { clientConn, serverConn } = httpFlow({ id: "x" });
	const flow = new TcpFlow({ id: "1", clientConn, serverConn, messages: [], timestampCreated: 1 });
	const entry = store.open(flow);
	for (const text of ["one", "two"])
		entry.addMessage({ fromClient: text === "one", content: Buffer.from(text), timestamp: 2 });
	flow.error = { message: "odd", timestamp: 3 };
	entry.close();
	await store.close();
	const [closed] = (await stored(path)) as unknown as TcpFlow[];
	t.match(closed, { type: "tcp", id: "1", error: { message: "odd" } });
	t.strictSame(
		closed?.messages.map(({ fromClient, content, timestamp }) => [fromClient, content.toString(), timestamp]),
		[
			[true, "one", 2],
			[false, "two", 2],
		],
	);
});

t.test("or nothing of it stays", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const store = openStore(path, { mode: "append", report: () => t.fail("nothing goes wrong") });
	const entry = store.open(conversation("1"));
	store.append(httpFlow({ id: "2" }));
	entry.addMessage(message("second"));
	store.flush();
	entry.discard();
	await store.close();
	t.strictSame(
		(await stored(path)).map(({ id }) => id),
		["2"],
	);
});
