// Names of formats, the usual extension of each, and the format of a file by its content.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { detectFormat, extensionOf, formatNames, isRegularFile, tapeExtensions } from "../../api/formats.ts";

t.test("each built-in format has a name and a usual extension", async (t) => {
	t.strictSame(
		formatNames.map((name) => [name, extensionOf(name)]),
		[
			["tape", ".tape"],
			["mitm", ".mitm"],
			["har", ".har"],
			["jsonl", ".jsonl"],
		],
	);
	for (const extension of ["tape", "dump", "zhar", "zip", "ndjson"])
		t.ok(tapeExtensions.includes(extension), extension);
	t.throws(() => extensionOf("xml"), { code: "FT_BAD_OPTION", message: /found "xml"/ });
});

t.test("the format of a file is detected from its content", async (t) => {
	t.equal(await detectFormat("fixtures/flows/charles.har"), "har");
	const folder = t.testdir();
	for (const [name, text] of [
		["empty.har", ""],
		["other.har", "hello"],
	] as const) {
		const path = join(folder, name);
		writeFileSync(path, text);
		t.equal(await detectFormat(path), undefined, name);
	}
	t.equal(await detectFormat(join(folder, "missing.har")), undefined);
});

t.test("pipes are not opened to detect their format", async (t) => {
	const pipe = join(t.testdir(), "pipe.har");
	spawnSync("mkfifo", [pipe]);
	t.equal(await detectFormat(pipe), undefined);
	t.equal(await isRegularFile("-"), false);
	t.equal(await isRegularFile("fixtures/flows/charles.har"), true);
});
