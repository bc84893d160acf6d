// Writing to a tape: flows, conversations and bodies while they arrive, and rows of another tape.
import { createHash } from "node:crypto";
import { join } from "node:path";
import t from "tap";
import { httpFlow, tcpFlow, websocketFlow } from "../../../../fixtures/build-flow.ts";
import { flowsOf, storeAt, storeWith } from "../../../../fixtures/stores.ts";
import { reports } from "../../../../fixtures/tape-files.ts";
import { comparable, variedFlows } from "../../../../fixtures/varied-flows.ts";
import type { HttpFlow } from "../../../../src/flow/flow.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";
import type { Mode } from "../../../../src/store/sqlite/open-tape.ts";
import { type KeyOf, TapeWriter } from "../../../../src/store/sqlite/writer.ts";

function writerAt(path: string, mode: Mode, requestKey?: KeyOf): TapeWriter {
	return new TapeWriter(new TapeDatabase(path, mode, false), reports().report, { requestKey, reusesRows: true });
}

t.test("a flow that cannot be written does not affect others", async (t) => {
	const path = join(t.testdir(), "bad.tape");
	const store = storeAt(path, "append");
	store.append(httpFlow({ id: "before" }));
	t.throws(() => store.append(tcpFlow({ messages: [{}, { timestamp: "noon" as unknown as number }] })), {
		code: "FT_STORE",
	});
	t.throws(() => store.append(httpFlow({ request: { port: 80.5 } })), { code: "FT_STORE" });
	store.append(httpFlow({ id: "after" }));
	await store.close();
	const reader = storeAt(path, "read");
	t.same(
		(await flowsOf(reader)).map(({ id }) => id),
		["before", "after"],
	);
	await reader.close();
});

t.test("a conversation and a body while they arrive", async (t) => {
	const path = join(t.testdir(), "open.tape");
	const writer = writerAt(path, "append", () => "key");
	const spool = writer.spool();
	spool.write(Buffer.from("in "));
	spool.write(Buffer.from("pieces"));
	t.equal(
		writer.spool(true).end().sha256,
		createHash("sha256").digest("hex"),
		"a request's body is hashed for its key",
	);
	t.equal(writer.spool().end().sha256, undefined);
	writer.append(httpFlow({ response: { body: spool.end() } }));
	const flow = websocketFlow();
	const [open, gone] = [writer.open(flow), writer.open(websocketFlow())];
	open.addMessage({
		opcode: 2,
		fromClient: true,
		content: Buffer.of(1),
		timestamp: 5,
		dropped: false,
		injected: false,
	});
	gone.discard();
	flow.marked = "x";
	open.close();
	writer.flush();
	t.equal(writer.isEmpty, false);
	await writer.close();
	const store = storeAt(path, "read");
	const [spooled, socket, ...others] = (await flowsOf(store)) as HttpFlow[];
	t.equal(spooled?.response?.rawContent?.toString(), "in pieces");
	t.match(socket, { marked: "x", websocket: { messages: { length: 3 } } });
	t.same(others, []);
	await store.close();
});

t.test("unchanged parts of another tape are copied as rows, changed ones are written", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "from.tape"), join(folder, "to.tape")];
	await storeWith(from, variedFlows());
	const source = storeAt(from, "read");
	const flows = await flowsOf(source);
	const writer = writerAt(to, "create");
	for (const flow of flows) {
		if (flow.type === "http") flow.request.headers.set("x-new", "yes");
		writer.append(flow);
	}
	t.ok(
		flows.every(({ type, connections }) => type !== "http" || typeof connections.client === "function"),
		"connections were not read",
	);
	await writer.close();
	const copy = storeAt(to, "read");
	t.same((await flowsOf(copy)).map(comparable), flows.map(comparable));
	await copy.close();
	await source.close();
});

t.test("discard writes nothing", async (t) => {
	const path = join(t.testdir(), "gone.tape");
	const writer = writerAt(path, "append");
	writer.append(httpFlow());
	await writer.discard();
	const store = storeAt(path, "read");
	t.equal(await store.count(), 0);
	await store.close();
});
