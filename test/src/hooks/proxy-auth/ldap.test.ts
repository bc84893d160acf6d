// Authentication with an LDAP directory. interop/ldap.mjs uses a real one.
import t from "tap";
import { startLdapServer } from "../../../../fixtures/ldap-server.ts";
import { connectLdap, parseLdapSpec } from "../../../../src/hooks/proxy-auth/ldap.ts";

const admin = { dn: "cn=admin,dc=example", password: "secret", attributes: {} };
const people = [
	admin,
	{ dn: "cn=Ann,ou=people,dc=example", password: "ann's", attributes: { cn: "Ann", uid: "ann" } },
	{ dn: "cn=*,ou=people,dc=example", password: "star", attributes: { cn: "*" } },
	{ dn: "cn=Bob,ou=robots,dc=example", password: "bob's", attributes: { cn: "Bob" } },
];

t.test("users that are found, with right and wrong passwords", async (t) => {
	const server = await startLdapServer(t, people);
	const said: string[] = [];
	const verify = await connectLdap(
		`ldap:127.0.0.1:${server.port}:${admin.dn}:${admin.password}:ou=people,dc=example`,
		(message) => said.push(message),
	);
	t.strictSame(server.log, [`bind ${admin.dn}`], "what is wrong would show at the start");
	for (const [user, password, expected] of [
		["Ann", "ann's", true],
		["Ann", "wrong", false],
		["Ann", "", false],
		["", "ann's", false],
		["Bob", "bob's", false],
		["nobody", "x", false],
		["*", "ann's", false],
		["*", "star", true],
		["Ann)(cn=*", "ann's", false],
	] as const)
		t.equal(await verify(user, password), expected, `${user}:${password}`);
	t.match(server.log, [
		"bind",
		`bind ${admin.dn}`,
		"search ou=people,dc=example cn=Ann",
		"bind cn=Ann,ou=people,dc=example",
	]);
	t.strictSame(said, []);
	server.close();
	t.equal(await verify("Ann", "ann's"), false, "all logins fail if the directory cannot be reached");
	t.match(said, [/^the LDAP server ldap:\/\/127\.0\.0\.1:\d+ cannot be queried: .*ECONNREFUSED/]);
});

t.test("by another attribute", async (t) => {
	const server = await startLdapServer(t, people);
	const verify = await connectLdap(
		`ldap:127.0.0.1:${server.port}:${admin.dn}:${admin.password}:dc=example?search_filter_key=uid`,
		t.fail,
	);
	t.equal(await verify("ann", "ann's"), true);
	t.equal(await verify("Bob", "bob's"), false);
});

t.test("a directory that rejects the bind, or cannot be reached", async (t) => {
	const server = await startLdapServer(t, people);
	const spec = (password: string) => `ldap:127.0.0.1:${server.port}:${admin.dn}:${password}:dc=example`;
	await t.rejects(connectLdap(spec("wrong"), t.fail), {
		code: "FT_UPSTREAM",
		message: /rejected the bind as cn=admin,dc=example: /,
	});
	server.close();
	await t.rejects(connectLdap(spec("secret"), t.fail), { code: "FT_UPSTREAM", message: /ECONNREFUSED/ });
});

t.test("specifications", async (t) => {
	t.strictSame(parseLdapSpec("ldaps:ldap.example:cn=a,dc=b:p:dc=b"), {
		url: "ldaps://ldap.example:636",
		dn: "cn=a,dc=b",
		password: "p",
		subtree: "dc=b",
		key: "cn",
	});
	t.match(parseLdapSpec("ldap:[::1]:::dc=b"), { url: "ldap://[::1]:389", dn: "", password: "" });
	t.match(parseLdapSpec("ldap:h:3890:d:p:dc=b?search_filter_key=sAMAccountName"), {
		url: "ldap://h:3890",
		key: "sAMAccountName",
	});
	for (const spec of [
		"ldap:h",
		"ldap:h:d:p",
		"ldap:h:99999:d:p:s",
		"ldap:h:d:p:s?key=cn",
		"ldap:h:d:p:s:more:parts",
		"ldap::d:p:s",
	])
		t.throws(() => parseLdapSpec(spec), { code: "FT_BAD_OPTION" }, spec);
});
