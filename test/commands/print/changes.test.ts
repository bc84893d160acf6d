// Prints changes of bodies and fields, line by line.
import t from "tap";
import { changes, describe, stateOf } from "../../../commands/print/changes.ts";
import { plain } from "../../../commands/print/text.ts";
import { httpFlow, tcpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import type { HttpFlow } from "../../../src/flow/flow.ts";
import { printableLine } from "../../../src/views/printable.ts";

t.test("a flow before and after", async (t) => {
	const flow = httpFlow();
	const before = describe(flow);
	t.equal(await changes("id", before, describe(flow), plain), "");
	flow.response?.headers.set("content-type", "text/html");
	const [head] = (await changes("\x1b]0;x\x07", before, describe(flow), plain)).split("\n");
	t.equal(head, printableLine("--- \x1b]0;x\x07"), "an untrusted id");
	t.match(
		await changes("id", before, describe(flow), plain),
		/^--- id\n@@\n[\s\S]*-Content-Type: text\/plain\n\+Content-Type: text\/html\n/,
	);
	t.match(await changes("id", before, "", plain), /^--- id\n@@\n-/, "a dropped flow");
});

t.test("colours", async (t) => {
	t.match(await changes("id", "a\n", "b\n", (text, style) => `<${style}>${text}`), "<red>-a\n<green>+b\n");
});

t.test("the time for bodies without common lines is limited", async (t) => {
	const lines = (seed: string) => Array.from({ length: 20_000 }, (_, i) => `${seed}${i}`).join("\n");
	t.match(await changes("id", lines("a"), lines("b"), plain), /-a19999\n[\s\S]*\+b19999\n/);
});

t.test("the state of a flow covers everything that rules can change", async (t) => {
	const edits: ((flow: HttpFlow) => void)[] = [
		(flow) => flow.request.headers.set("x-new", "1"),
		(flow) => void Object.assign(flow.request, { url: "http://other.example/" }),
		(flow) => void Object.assign(flow, { marked: "x" }),
		(flow) => void Object.assign(flow, { comment: "x" }),
		(flow) => void Object.assign(flow, { response: null }),
		({ response }) => void Object.assign(response ?? {}, { statusCode: 500 }),
		({ response }) => void Object.assign(response ?? {}, { content: Buffer.from("other") }),
		({ response }) => void Object.assign(response ?? {}, { content: Buffer.alloc(100_000, "other") }),
	];
	for (const build of [httpFlow, websocketFlow]) {
		const flow = build();
		const before = stateOf(flow);
		t.equal(stateOf(build({ id: flow.id })), before);
		for (const edit of edits) {
			const edited = build({ id: flow.id });
			edit(edited);
			t.not(stateOf(edited), before, String(edit));
		}
	}
});

t.test("the state of a large body is small, and of messages", async (t) => {
	const flow = httpFlow();
	const state = (body: Buffer) => stateOf(Object.assign(flow, { response: httpFlow({ response: { body } }).response }));
	const [one, other] = [Buffer.alloc(100_000, "a"), Buffer.alloc(100_000, "a")];
	other[99_999] = 0;
	t.equal(state(one), state(Buffer.from(one)));
	t.not(state(one), state(other));
	t.ok(state(one).length < 1000);
	for (const build of [websocketFlow, tcpFlow]) {
		const [conversation, same] = [build(), build()];
		t.equal(stateOf(conversation), stateOf(same));
		const messages = conversation.type === "http" ? (conversation.websocket?.messages ?? []) : conversation.messages;
		Object.assign(messages[0] ?? {}, { content: Buffer.alloc(100_000) });
		t.not(stateOf(conversation), stateOf(same));
		t.ok(stateOf(conversation).length < 1000);
	}
});
