// Values of the option proxyauth.
import { join } from "node:path";
import t from "tap";
import { startLdapServer } from "../../../../fixtures/ldap-server.ts";
import { createVerify } from "../../../../src/hooks/proxy-auth/verify.ts";

const create = (spec: string) => createVerify(spec, t.fail);

t.test("any", async (t) => {
	const verify = await create("any");
	t.equal(await verify("", ""), true);
});

t.test("one user", async (t) => {
	const verify = await create("ldapper:pa:ss");
	for (const [user, password, expected] of [
		["ldapper", "pa:ss", true],
		["ldapper", "pa", false],
		["ldapper:pa", "ss", false],
		["Ldapper", "pa:ss", false],
		["", "", false],
	] as const)
		t.equal(await verify(user, password), expected, `${user} ${password}`);
	t.equal(await (await create("user:"))("user", ""), true);
});

t.test("files and directories", async (t) => {
	const verify = await create(`@${join(t.testdir({ users: "joe:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=" }), "users")}`);
	t.equal(await verify("joe", "secret"), true);
	const server = await startLdapServer(t, [{ dn: "cn=joe", password: "secret", attributes: { cn: "joe" } }]);
	const ask = await create(`ldap:127.0.0.1:${server.port}:cn=joe:secret:cn=joe`);
	t.equal(await ask("joe", "secret"), true);
});

t.test("anything else", async (t) => {
	for (const spec of ["user", ":pass", "@", "ldap:x", "ldaps:"])
		await t.rejects(create(spec), { code: "FT_BAD_OPTION" }, spec);
});
