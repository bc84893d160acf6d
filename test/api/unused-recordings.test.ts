// Finds the recordings that are unused in all reports.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { unusedInAll } from "../../api/unused-recordings.ts";

t.test("recordings that are unused in all reports, and invalid reports", async (t) => {
	const folder = t.testdir();
	const write = (name: string, ...lines: object[]) => {
		writeFileSync(join(folder, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
		return join(folder, name);
	};
	const unit = write("unit", { event: "unused", id: "a" }, { event: "unused", id: "b" }, { event: "served", id: "c" });
	const e2e = write("e2e", { event: "unused", id: "b" }, { event: "unused", id: "d" });
	t.same(await unusedInAll([unit]), new Set(["a", "b"]));
	t.same(await unusedInAll([unit, e2e]), new Set(["b"]));
	const both = write(
		"both",
		{ event: "served", id: "1", recording: "a" },
		{ event: "unused", id: "a" },
		{ event: "unused", id: "b" },
	);
	t.same(
		await unusedInAll([both]),
		new Set(["b"]),
		"a recording that answered is used, even if another one with its id did not",
	);
	t.same(await unusedInAll([unit, both]), new Set(["b"]));
	t.same(await unusedInAll([]), new Set());
	await t.rejects(unusedInAll([join(folder, "none")]), { code: "FT_NOT_FOUND" });
	await t.rejects(unusedInAll([write("odd", { id: "a" })]), { code: "FT_UNKNOWN_FORMAT", record: 1 });
});
