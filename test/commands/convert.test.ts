// `flowtape convert` brings flows from any tape to any other.
import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/convert.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";
import { factsOf, variedFlows } from "../../fixtures/varied-flows.ts";

t.test("from format to format and back, nothing is lost", async (t) => {
	const folder = t.testdir();
	const flows = variedFlows();
	const path = (name: string) => join(folder, name);
	await writeTape(path("a.jsonl"), flows);
	for (const [from, to] of [
		["a.jsonl", "b.tape"],
		["b.tape", "c.mitm"],
		["c.mitm", "d.jsonl"],
	] as const)
		t.same(await runCaptured(command, [path(from), path(to)]), { status: 0, out: "", err: "" });
	t.same((await readTape(path("d.jsonl"))).flows.map(factsOf), flows.map(factsOf));
});

t.test("-f takes only what matches, -v says how much, --format counts more than the extension", async (t) => {
	const folder = t.testdir();
	const path = (name: string) => join(folder, name);
	await writeTape(path("a.jsonl"), variedFlows());
	t.same(await runCaptured(command, [path("a.jsonl"), path("b"), "-f", "~dns", "-v", "--format", "mitm"]), { status: 0, out: "", err: "2 flows\n" });
	t.same(
		(await readTape(path("b"), { format: "mitm" })).flows.map(({ type }) => type),
		["dns", "dns"],
	);
});

t.test("a wrong input leaves no output behind", async (t) => {
	const folder = t.testdir({ text: "no tape" });
	const path = (name: string) => join(folder, name);
	t.match(await runCaptured(command, [path("text"), path("b.tape")]), { status: 3, err: /^flowtape: .*text: byte 0: not a tape/ });
	t.match(await runCaptured(command, [path("none"), path("b.tape")]), { status: 4, err: /none: no such file/ });
	t.match(await runCaptured(command, [path("none"), path("b.doc")]), { status: 4 });
	t.match(await runCaptured(command, [path("none")]), { status: 2, err: /expected: flowtape convert TAPE TAPE/ });
	t.notOk(existsSync(path("b.tape")));
});
