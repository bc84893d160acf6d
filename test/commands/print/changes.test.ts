import t from "tap";
import { changes, describe } from "../../../commands/print/changes.ts";
import { plain } from "../../../commands/print/text.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";

t.test("a flow before and after", async (t) => {
	const flow = httpFlow();
	const before = describe(flow);
	t.equal(await changes("id", before, describe(flow), plain), "");
	flow.response?.headers.set("content-type", "text/html");
	t.match(await changes("id", before, describe(flow), plain), /^--- id\n@@\n[\s\S]*-Content-Type: text\/plain\n\+Content-Type: text\/html\n/);
	t.match(await changes("id", before, "", plain), /^--- id\n@@\n-/, "a flow that goes");
});

t.test("colours", async (t) => {
	t.match(await changes("id", "a\n", "b\n", (text, style) => `<${style}>${text}`), "<red>-a\n<green>+b\n");
});

t.test("bodies without a line in common do not take for ever", async (t) => {
	const lines = (seed: string) => Array.from({ length: 20_000 }, (_, i) => `${seed}${i}`).join("\n");
	t.match(await changes("id", lines("a"), lines("b"), plain), /-a19999\n[\s\S]*\+b19999\n/);
});
