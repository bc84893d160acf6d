// Prints help: one screen directly, longer texts through the pager on a terminal.
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { printInfo, printThroughPager, widthOf } from "../../../commands/cli/print-info.ts";
import { command } from "../../../commands/stats.ts";
import { captureIo } from "../../../fixtures/run-captured.ts";

t.test("without a terminal, everything is printed to stdout", async (t) => {
	for (const [asks, says] of [
		["brief help", /^Usage: flowtape stats .*\n[\s\S]*\nEverything: flowtape stats --help\n$/],
		["full help", /^Usage: flowtape stats .*\n[\s\S]*\nCommon options:\n/],
		["version", /^\d+\.\d+\.\d+\S*\n$/],
	] as const) {
		const { io, captured } = captureIo();
		await printInfo(command, asks, io);
		t.match(captured.out, says);
	}
});

t.test("on a terminal, the full help and topics go through the pager", async (t) => {
	const folder = t.testdir();
	const got = join(folder, "got");
	const pager = join(folder, "pager.cjs");
	writeFileSync(
		pager,
		`#!${process.execPath}\nrequire("node:fs").writeFileSync(${JSON.stringify(got)}, require("node:fs").readFileSync(0))`,
	);
	chmodSync(pager, 0o755);
	const { io, captured } = captureIo({ isTTY: true, env: { PAGER: pager, PATH: process.env.PATH } });
	await printInfo(command, "full help", io);
	t.match(readFileSync(got, "utf8"), /\nCommon options:\n/);
	await printThroughPager("a text\n", io);
	t.equal(readFileSync(got, "utf8"), "a text\n");
	t.equal(captured.out, "");
	await printInfo(command, "brief help", io);
	t.match(captured.out, /^Usage: /);
});

t.test("lines are as wide as the terminal, within limits", async (t) => {
	const { io } = captureIo();
	for (const [columns, width] of [
		[undefined, 100],
		[80, 80],
		[300, 100],
		[20, 60],
	] as const)
		t.equal(widthOf({ stdout: { ...io.stdout, columns } }), width);
});
