// The folder of the certificate authority.
import { existsSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { openCaFolder } from "../../api/authority-folder.ts";

t.test("the user's own folder, a given one, and a temporary one", async (t) => {
	const home = t.testdir();
	t.match(await openCaFolder(null, { FLOWTAPE_HOME: home }), { folder: home, isEphemeral: false });
	const other = await openCaFolder("~/ca", { FLOWTAPE_HOME: home });
	t.match(other, { folder: join(homedir(), "ca"), isEphemeral: false });
	await other.close();
	const ephemeral = await openCaFolder("ephemeral", { FLOWTAPE_HOME: home });
	t.match(ephemeral, { isEphemeral: true, folder: new RegExp(`^${tmpdir()}/flowtape-ca-`) });
	t.equal(statSync(ephemeral.folder).mode & 0o777, 0o700);
	writeFileSync(join(ephemeral.folder, "key"), "secret");
	await ephemeral.close();
	t.equal(existsSync(ephemeral.folder), false);
});

t.test("a temporary folder that cannot be created", async (t) => {
	const before = process.env.TMPDIR;
	process.env.TMPDIR = "/no such folder";
	t.teardown(() => {
		if (before === undefined) delete process.env.TMPDIR;
		else process.env.TMPDIR = before;
	});
	await t.rejects(openCaFolder("ephemeral", {}), {
		code: "FT_IO",
		message: /a temporary folder for the certificate authority cannot be created: ENOENT/,
	});
});
