// The bytes that a replaced file leaves on the disk, read through a descriptor that was opened before.
import { linkSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { checkReplaceable, ReplacedFile } from "../../api/replaced-file.ts";

t.test("the bytes are overwritten when the file has no name any more", async (t) => {
	const folder = t.testdir({ old: "secret".repeat(400_000), new: "new" });
	const path = join(folder, "old");
	const held = openSync(path, "r");
	const replaced = await ReplacedFile.of(path);
	renameSync(join(folder, "new"), path);
	await replaced.wipe();
	await replaced.close();
	const left = readFileSync(held);
	t.equal(left.length, 2_400_000);
	t.ok(left.every((byte) => byte === 0));
	t.equal(readFileSync(path, "utf8"), "new");
});

t.test("a file that is still there is left as it is", async (t) => {
	const path = join(t.testdir({ old: "secret" }), "old");
	const replaced = await ReplacedFile.of(path);
	await t.rejects(replaced.wipe(), { code: "FT_IO", message: /still in use and was not overwritten/ });
	await replaced.close();
	t.equal(readFileSync(path, "utf8"), "secret");
});

t.test("files with other names, and missing ones", async (t) => {
	const folder = t.testdir({ old: "secret" });
	const path = join(folder, "old");
	linkSync(path, join(folder, "other"));
	await t.rejects(ReplacedFile.of(path), { code: "FT_IO", message: /has 2 names \(hard links\)/ });
	await t.rejects(ReplacedFile.of(join(folder, "none")), { code: "FT_IO" });
	writeFileSync(join(folder, "alone"), "");
	const empty = await ReplacedFile.of(join(folder, "alone"));
	await empty.close();
	t.equal(statSync(join(folder, "alone")).size, 0);
});

t.test("only files can be replaced", async (t) => {
	const folder = t.testdir({ file: "" });
	await checkReplaceable(join(folder, "file"));
	await checkReplaceable(join(folder, "missing"));
	await t.rejects(checkReplaceable(folder), { code: "FT_IO", file: folder });
	await t.rejects(checkReplaceable("-"), { code: "FT_USAGE" });
});
