// The key of placeholders: from the environment or its file, which is created once.
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { keyFileName, redactionKey } from "../../api/redaction-key.ts";

t.test("from the variable, with any text", async (t) => {
	const folder = t.testdir();
	const env = { FLOWTAPE_HOME: folder, FLOWTAPE_REDACT_KEY: "our team" };
	const key = await redactionKey(env, { create: true });
	t.equal(key.length, 32);
	t.same(await redactionKey(env, { create: false }), key);
	t.notSame(await redactionKey({ ...env, FLOWTAPE_REDACT_KEY: "another" }, { create: false }), key);
	t.notOk(existsSync(join(folder, keyFileName)));
});

t.test("a new key is made once, for its user alone", async (t) => {
	const folder = join(t.testdir(), "new");
	const env = { FLOWTAPE_HOME: folder };
	const random = await redactionKey(env, { create: false });
	t.notSame(await redactionKey(env, { create: false }), random, "without a file the key is random");
	t.notOk(existsSync(folder));
	const keys = await Promise.all(Array.from({ length: 5 }, () => redactionKey(env, { create: true })));
	for (const key of keys) t.same(key, keys[0]);
	const file = join(folder, keyFileName);
	t.match(readFileSync(file, "utf8"), /^[0-9a-f]{64}\n$/);
	if (process.platform !== "win32") t.equal(statSync(file).mode & 0o777, 0o600);
});

t.test("a file that holds no key, or cannot be read, is an error that says what to do", async (t) => {
	const folder = t.testdir({ [keyFileName]: "short\n" });
	const env = { FLOWTAPE_HOME: folder };
	await t.rejects(redactionKey(env, { create: true }), { code: "FT_IO", message: /expected 64 hexadecimal digits/ });
	writeFileSync(join(folder, "file"), "");
	if (process.getuid?.() !== 0) {
		chmodSync(join(folder, keyFileName), 0);
		await t.rejects(redactionKey(env, { create: true }), { code: "FT_IO", message: /FLOWTAPE_REDACT_KEY/ });
	}
	await t.rejects(redactionKey({ FLOWTAPE_HOME: join(folder, "file") }, { create: true }), { code: "FT_IO" });
});
