// Writes text of any length as UTF-8.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { openOutput } from "../../formats/output.ts";
import { TextOutput } from "../../formats/text-output.ts";

t.test("short and long texts", async (t) => {
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

t.test("a discarded output leaves the existing file unchanged", async (t) => {
	const file = join(t.testdir({ a: "old" }), "a");
	const output = new TextOutput(await openOutput(file));
	await output.append("new");
	await output.discard();
	t.equal(await readFile(file, "utf8"), "old");
});

t.test("each piece is written to a shared output at once", async (t) => {
	const written: number[] = [];
	const output = new TextOutput(
		{
			name: "shared",
			written: 0,
			write: async (bytes) => void written.push(bytes.length),
			close: async () => {},
			discard: async () => {},
		},
		true,
	);
	await output.append("é".repeat(500_000));
	await output.append("end");
	await output.close();
	t.same(written, [1_000_000, 3]);
});

type Written = [length: number, count: number, size: number][];

function counting(written: Written) {
	return {
		name: "counted",
		written: 0,
		close: async () => {},
		discard: async () => {},
		write: async ({ length }: Uint8Array, { count, size } = { count: 0, size: 0 }) =>
			void written.push([length, count, size]),
	};
}

/** Appends three records, of which the last is flushed in parts. */
async function appendThree(output: TextOutput): Promise<void> {
	await output.append("é\n");
	await output.append("é\n");
	for (const [text, isEnd] of [
		["beg", false],
		["in", false],
		["", true],
	] as const) {
		await output.append(text, isEnd);
		await output.flush();
	}
}

t.test("complete records in the bytes", async (t) => {
	const written: Written = [];
	const output = new TextOutput(counting(written));
	await appendThree(output);
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
});

t.test("records up to 64 MiB are written to a shared output in one piece", async (t) => {
	const written: Written = [];
	const output = new TextOutput(counting(written), true);
	await appendThree(output);
	t.same(written.splice(0), [
		[6, 2, 6],
		[5, 1, 5],
	]);
	const mega = "é".repeat(512 * 1024);
	await output.appendPieces("[", Array(60).fill(mega), "]");
	t.same(written.splice(0), [[2 + 60 * 1024 * 1024, 1, 2 + 60 * 1024 * 1024]]);
	await output.appendPieces("", Array(70).fill(mega));
	await output.flush();
	t.same(written, [
		[64 * 1024 * 1024, 0, 0],
		[6 * 1024 * 1024, 1, 6 * 1024 * 1024],
	]);
});

t.test("a record in pieces is not mixed with those that are appended meanwhile", async (t) => {
	for (const isShared of [false, true]) {
		const file = join(t.testdir(), "a");
		const output = new TextOutput(await openOutput(file), isShared);
		const long = Array(10).fill("x".repeat(100_000));
		void output.appendPieces("[", long, "]\n");
		void output.append("a\n");
		void output.appendPieces("{", long, "}\n");
		void output.append("b\n");
		await output.close("end");
		const text = await readFile(file, "utf8");
		t.ok(text === `[${long.join("")}]\na\n{${long.join("")}}\nb\nend`);
		t.equal(output.written, 4);
	}
});

t.test("pieces that cannot be made", async (t) => {
	const file = join(t.testdir(), "a");
	const output = new TextOutput(await openOutput(file), true);
	const broken = (function* () {
		yield "part";
		throw new Error("gone");
	})();
	await t.rejects(output.appendPieces("", broken), /gone/);
	await output.append("\nnext\n");
	await output.close();
	t.equal(await readFile(file, "utf8"), "part\nnext\n");
});
