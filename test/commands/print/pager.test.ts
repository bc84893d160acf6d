// The pager in these tests is a Node script that writes its input to a file.
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { openPager } from "../../../commands/print/pager.ts";
import { captureIo } from "../../../fixtures/run-captured.ts";

const never = (): void => void t.fail("the pager was not quit");

t.test("direct output if there is no terminal, or no pager is wanted", async (t) => {
	for (const [isTTY, PAGER, wanted] of [
		[false, "less", true],
		[true, "cat", true],
		[true, "", true],
		[true, "less", false],
	] as const) {
		const { io, captured } = captureIo({ isTTY, env: { PAGER } });
		const pager = await openPager(io, wanted, never);
		await pager.write("text");
		await pager.close();
		t.equal(captured.out, "text");
	}
});

t.test("through the user's pager on a terminal", async (t) => {
	const folder = t.testdir();
	const script = join(folder, "pager.cjs");
	writeFileSync(
		script,
		`#!${process.execPath}\nrequire("node:fs").writeFileSync(${JSON.stringify(join(folder, "got"))}, require("node:fs").readFileSync(0))`,
	);
	chmodSync(script, 0o755);
	const { io, captured } = captureIo({ isTTY: true, env: { PAGER: `${script} --option`, PATH: process.env.PATH } });
	const pager = await openPager(io, true, never);
	for (let i = 0; i < 1000; i++) await pager.write(`line ${i}\n`);
	await pager.close();
	t.equal(captured.out, "");
	t.match(readFileSync(join(folder, "got"), "utf8"), /^line 0\n[\s\S]*line 999\n$/);
});

t.test("waits for a slow pager, and stops when the pager is closed", async (t) => {
	const script = join(t.testdir({ pager: "#!/bin/sh\nhead -c 10 > /dev/null" }), "pager");
	chmodSync(script, 0o755);
	const { io, captured } = captureIo({ isTTY: true, env: { PAGER: script, PATH: process.env.PATH } });
	let left = 0;
	const pager = await openPager(io, true, () => left++);
	const text = "x".repeat(1 << 20);
	let waits = 0;
	while (left === 0) {
		const wait = pager.write(text);
		if (wait !== undefined) waits++;
		await wait;
	}
	t.ok(waits > 0);
	await pager.close();
	t.same({ left, out: captured.out }, { left: 1, out: "" });
});

t.test("a pager that is not installed", async (t) => {
	const { io, captured } = captureIo({ isTTY: true, env: { PAGER: "/nonexistent/pager" } });
	const pager = await openPager(io, true, never);
	await pager.write("a");
	await pager.write("b");
	await pager.close();
	t.equal(captured.out, "ab");
});
