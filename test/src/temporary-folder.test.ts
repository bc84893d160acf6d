// Folders for temporary files, and the error if the system refuses them.
import { statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import t from "tap";
import { createTemporaryFolder } from "../../src/temporary-folder.ts";

t.test("a new folder for this user only, or an error that names TMPDIR", async (t) => {
	const parent = t.testdir();
	const { TMPDIR } = process.env;
	t.teardown(() => {
		if (TMPDIR === undefined) delete process.env.TMPDIR;
		else process.env.TMPDIR = TMPDIR;
	});
	process.env.TMPDIR = parent;
	const folder = await createTemporaryFolder("x-");
	t.equal(dirname(folder), parent);
	t.match(basename(folder), /^x-/);
	t.equal(statSync(folder).mode & 0o777, 0o700);
	process.env.TMPDIR = join(parent, "none");
	await t.rejects(createTemporaryFolder("x-"), {
		code: "FT_IO",
		message: /^a temporary folder cannot be created: ENOENT.*; set TMPDIR to another folder$/,
	});
});
