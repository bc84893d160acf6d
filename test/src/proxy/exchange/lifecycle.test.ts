// Which stage of an exchange may follow which, as the table says and the diagram of ARCHITECTURE.md shows.
import { readFileSync } from "node:fs";
import t from "tap";
import { following, Lifecycle, type Stage } from "../../../../src/proxy/exchange/lifecycle.ts";

t.test("stages follow one another as the table says, and no other way", async (t) => {
	const lifecycle = new Lifecycle("an-id");
	t.equal(lifecycle.stage, "requestheaders");
	for (const stage of ["request body", "request", "server", "responseheaders", "response body", "response", "answer", "over"] as const) {
		lifecycle.enter(stage);
		t.equal(lifecycle.stage, stage);
	}
	t.throws(() => lifecycle.enter("answer"), { message: 'an exchange went from "over" to "answer"' });
	t.equal(lifecycle.stage, "over");
	t.throws(() => new Lifecycle("another").enter("server"), { message: 'an exchange went from "requestheaders" to "server"' });
});

t.test("each stage can be reached, and each leads to the end", async (t) => {
	const stages = Object.keys(following) as Stage[];
	const reached = new Set<Stage>(["requestheaders"]);
	for (const stage of reached) for (const next of following[stage]) reached.add(next);
	t.strictSame([...reached].sort(), [...stages].sort());
	for (const stage of stages) if (stage !== "over") t.ok(following[stage].includes("over"), `${stage} can fail`);
});

t.test("the diagram shows what the table says", async (t) => {
	const [, diagram = ""] = /```mermaid\nstateDiagram-v2\n([\s\S]*?)```/.exec(readFileSync("ARCHITECTURE.md", "utf8")) ?? [];
	const name = (stage: string) => stage.replace(" ", "_");
	const drawn = diagram
		.split("\n")
		.map(
			(line) =>
				line
					.trim()
					.replace(/\[\*\]$/, "over")
					.split(" : ")[0],
		)
		.filter((line) => line?.includes("-->") && !line.startsWith("[*]"));
	const table = Object.entries(following).flatMap(([stage, next]) =>
		next.filter((other) => other !== "over").map((other) => `${name(stage)} --> ${name(other)}`),
	);
	t.strictSame(drawn.filter((line) => !line?.endsWith(" over")).sort(), table.sort());
});
