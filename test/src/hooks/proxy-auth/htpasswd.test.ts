// Password files, with hashes from OpenSSL and from crypt of the C library.
import { rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { readHtpasswd } from "../../../../src/hooks/proxy-auth/htpasswd.ts";

const bcrypt = "$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a";
const sha = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=";
const apr1 = "$apr1$abcdefgh$rK/lObuciIG5ziaV8BdHR/";

function write(t: Test, text: string): string {
	return join(t.testdir({ users: text }), "users");
}

t.test("bcrypt, MD5 and SHA-1", async (t) => {
	const path = write(
		t,
		`# comment\n\nbob:$2y${bcrypt}\r\n  amy:$2b${bcrypt}:Amy\nann:${apr1}\neve:${sha}\neve:$2a${bcrypt}\njoe:${sha}\n`,
	);
	const verify = await readHtpasswd(path);
	rmSync(path);
	for (const [user, password, expected] of [
		["bob", "secret", true],
		["bob", "secret", true],
		["bob", "Secret", false],
		["amy", "secret", true],
		["ann", "pass", true],
		["ann", "pas", false],
		["joe", "secret", true],
		["joe", "", false],
		["eve", "secret", true],
		["nobody", "secret", false],
		["#", "comment", false],
	] as const)
		t.equal(await verify(user, password), expected, `${user}:${password}`);
});

t.test("a result is cached", async (t) => {
	const verify = await readHtpasswd(write(t, `bob:$2y${bcrypt}\n`));
	await verify("bob", "secret");
	const started = process.cpuUsage();
	for (let i = 0; i < 2000; i++) await verify("bob", "secret");
	const { user, system } = process.cpuUsage(started);
	t.ok(user + system < 2_000_000, "2000 checks of bcrypt would take several seconds");
});

t.test("many passwords for one name do not delay other names", async (t) => {
	const verify = await readHtpasswd(write(t, `bob:$2y${bcrypt}\namy:$2b${bcrypt}\n`));
	const done: string[] = [];
	const attempt = async (user: string, password: string) => {
		await verify(user, password);
		done.push(user);
	};
	const tries = [...Array(20).keys()].flatMap((i) => [attempt("bob", `wrong ${i}`), attempt(`nobody ${i}`, "wrong")]);
	t.ok(await verify("amy", "secret"));
	t.ok(done.length <= 3, `${done.length} checks came first`);
	await Promise.all(tries);
	t.equal(done.length, 40);
});

t.test("for a client that has disconnected, nothing is computed or cached", async (t) => {
	const verify = await readHtpasswd(write(t, `bob:$2y${bcrypt}\n`));
	const first = verify("bob", "other");
	let isThere = true;
	const second = verify("bob", "secret", () => isThere);
	isThere = false;
	t.equal(await first, false);
	t.equal(await second, false);
	t.equal(await verify("bob", "secret"), true);
});

t.test("invalid files", async (t) => {
	for (const line of [
		"user",
		"user:",
		":hash",
		"user:plain",
		"user:$1$salt$hash",
		"user:{SSHA}abc",
		"user:$apr1$toolongsalt$rK/lObuciIG5ziaV8BdHR/",
		"user:$2y$05$short",
	])
		await t.rejects(
			readHtpasswd(write(t, `# first\n${line}\n`)),
			{ code: "FT_BAD_OPTION", record: 2, message: /users, line 2: expected user:hash with bcrypt/ },
			line,
		);
	await t.rejects(readHtpasswd(join(t.testdir(), "none")), {
		code: "FT_BAD_OPTION",
		message: /none: expected an htpasswd file: ENOENT/,
	});
	await t.rejects(readHtpasswd("~/no such file"), { message: new RegExp(`^${homedir()}/no such file`) });
});
