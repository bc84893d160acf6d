// Text arrives as UTF-8, however long it is and wherever characters of several bytes stand.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { openOutput } from "../../formats/output.ts";
import { TextOutput } from "../../formats/text-output.ts";

t.test("short and long", async (t) => {
	const file = join(t.testdir(), "a");
	const output = new TextOutput(await openOutput(file));
	let expected = "";
	for (const text of ["a", "é".repeat(300_000), "x".repeat(262_143) + "🍇".repeat(200_000), "\ud800", "end"]) {
		await output.append(text);
		expected += text;
	}
	await output.close();
	t.ok((await readFile(file, "utf8")) === expected.toWellFormed());
});

t.test("discarded", async (t) => {
	const file = join(t.testdir({ a: "old" }), "a");
	const output = new TextOutput(await openOutput(file));
	await output.append("new");
	await output.discard();
	t.equal(await readFile(file, "utf8"), "old");
});

t.test("to what others may add to as well, each piece goes at once", async (t) => {
	const written: number[] = [];
	const output = new TextOutput(
		{ name: "shared", write: async (bytes) => void written.push(bytes.length), close: async () => {}, discard: async () => {} },
		true,
	);
	await output.append("é".repeat(500_000));
	await output.append("end");
	await output.close();
	t.same(written, [1_000_000, 3]);
});
