// The transitions between the stages of an exchange, and the diagram in ARCHITECTURE.md.
import { readFileSync } from "node:fs";
import t from "tap";
import { Lifecycle, type Stage, transitions } from "../../../../src/proxy/exchange/lifecycle.ts";

t.test("only the transitions of the table are allowed", async (t) => {
	const lifecycle = new Lifecycle("an-id");
	t.equal(lifecycle.stage, "requestheaders");
	for (const stage of [
		"request body",
		"request",
		"upstream",
		"responseheaders",
		"response body",
		"response",
		"send response",
		"done",
	] as const) {
		lifecycle.enter(stage);
		t.equal(lifecycle.stage, stage);
	}
	t.throws(() => lifecycle.enter("send response"), { message: 'an exchange went from "done" to "send response"' });
	t.equal(lifecycle.stage, "done");
	t.throws(() => new Lifecycle("another").enter("upstream"), {
		message: 'an exchange went from "requestheaders" to "upstream"',
	});
});

t.test("each stage can be reached, and leads to the end", async (t) => {
	const stages = Object.keys(transitions) as Stage[];
	const reached = new Set<Stage>(["requestheaders"]);
	for (const stage of reached) for (const next of transitions[stage]) reached.add(next);
	t.strictSame([...reached].sort(), [...stages].sort());
	for (const stage of stages) if (stage !== "done") t.ok(transitions[stage].includes("done"), `${stage} can fail`);
});

t.test("the diagram equals the table", async (t) => {
	const [, diagram = ""] =
		/```mermaid\nstateDiagram-v2\n([\s\S]*?)```/.exec(readFileSync("ARCHITECTURE.md", "utf8")) ?? [];
	const name = (stage: string) => stage.replace(" ", "_");
	const drawn = diagram
		.split("\n")
		.map(
			(line) =>
				line
					.trim()
					.replace(/\[\*\]$/, "done")
					.split(" : ")[0],
		)
		.filter((line) => line?.includes("-->") && !line.startsWith("[*]"));
	const table = Object.entries(transitions).flatMap(([stage, next]) =>
		next.filter((other) => other !== "done").map((other) => `${name(stage)} --> ${name(other)}`),
	);
	t.strictSame(drawn.filter((line) => !line?.endsWith(" done")).sort(), table.sort());
});
