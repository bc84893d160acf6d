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
		{ name: "shared", written: 0, write: async (bytes) => void written.push(bytes.length), close: async () => {}, discard: async () => {} },
		true,
	);
	await output.append("é".repeat(500_000));
	await output.append("end");
	await output.close();
	t.same(written, [1_000_000, 3]);
});

t.test("what of the bytes are whole records", async (t) => {
	for (const isShared of [false, true]) {
		const written: [length: number, count: number, size: number][] = [];
		const output = new TextOutput(
			{
				...{ name: "counted", written: 0, close: async () => {}, discard: async () => {} },
				write: async ({ length }, { count, size } = { count: 0, size: 0 }) => void written.push([length, count, size]),
			},
			isShared,
		);
		await output.append("é\n");
		await output.append("é\n");
		await output.append("beg", false);
		await output.flush();
		await output.append("in", false);
		await output.flush();
		await output.append("");
		await output.flush();
		await output.flush();
		t.same(written, [
			[9, 2, 6],
			[2, 0, 0],
			[0, 1, 0],
		]);
		await output.append("é");
		await output.append("x".repeat(600_000), false);
		await output.flush();
		const parts = written.slice(3);
		t.same([parts.map(([length]) => length).reduce((a, b) => a + b), parts[0]?.[2], parts.at(-1)?.[1]], [600_002, 2, 1]);
		t.same(
			parts.slice(1).map(([, , size]) => size),
			parts.slice(1).map(() => 0),
		);
	}
});
