// Hosts that are not intercepted.
import t from "tap";
import { createPassthroughHosts, options } from "../../../src/hooks/passthrough-hosts.ts";
import { defaults } from "../../../src/options.ts";

const create = (values: object) => createPassthroughHosts({ ...defaults(options), ...values });
const named = (...hosts: string[]) => ({ hosts, port: 443 });

t.test("none by default", async (t) => {
	t.equal(await create({ show_ignored_hosts: true }), null);
});

t.test("ignore_hosts: any name with its port, in any case", async (t) => {
	const hosts = await create({ ignore_hosts: ["^bank\\.example:443$", "10\\.0\\.0\\.\\d+:"] });
	for (const [names, expected] of [
		[named("bank.example"), true],
		[named("BANK.example"), true],
		[named("www.bank.example"), false],
		[named("192.0.2.1", "bank.example"), true],
		[named("10.0.0.17"), true],
		[{ hosts: ["bank.example"], port: 8443 }, false],
	] as const) {
		t.equal(hosts?.isIgnored(names), expected, names.hosts.join());
		t.equal(hosts?.isIgnoredAtOnce(names), expected);
	}
	t.equal(hosts?.isOpaque(named("bank.example")), false);
});

t.test("allow_hosts: all other hosts are ignored once their names are known", async (t) => {
	const hosts = await create({ allow_hosts: ["(?i)API\\.example"], ignore_hosts: ["secret"] });
	t.equal(hosts?.isIgnored(named("api.example")), false);
	t.equal(hosts?.isIgnored(named("192.0.2.1", "api.example")), false);
	t.equal(hosts?.isIgnored(named("other.example")), true);
	t.equal(hosts?.isIgnored(named("secret.api.example")), true, "ignore_hosts counts more");
	t.equal(hosts?.isIgnoredAtOnce(named("other.example")), false, "another name may yet be allowed");
});

t.test("tcp_hosts: names without ports", async (t) => {
	const hosts = await create({ tcp_hosts: ["^db\\d\\.example$"] });
	t.equal(hosts?.isOpaque(named("192.0.2.1", "db1.example")), true);
	t.equal(hosts?.isOpaque(named("web.example")), false);
	t.equal(hosts?.isIgnored(named("db1.example")), false);
});

t.test("invalid patterns", async (t) => {
	await t.rejects(create({ allow_hosts: ["ok", "["] }), {
		code: "FT_BAD_PATTERN",
		option: "allow_hosts",
		message: /^allow_hosts: /,
	});
	const hosts = await create({ ignore_hosts: ["^(a+)+$"] });
	t.equal(hosts?.isIgnored(named(`${"a".repeat(200)}!`)), false, "one that would take for ever does not match");
});
