// Where a call of `connect` leads, and which hosts are near.
import { hostname, networkInterfaces } from "node:os";
import t from "tap";
import { formatTarget, isNear, isThisMachine, readConnect } from "../../../src/route/target.ts";

t.test("every form of arguments of connect", async (t) => {
	const done = (): void => {};
	const targetOf = (...args: unknown[]): unknown => readConnect(args)?.target ?? null;
	t.same(targetOf(80), { host: "localhost", port: 80 });
	t.same(targetOf("80", "a.example", done), { host: "a.example", port: 80 });
	t.same(targetOf({ port: 443, host: "a.example" }), { host: "a.example", port: 443 });
	t.same(targetOf([{ port: "443", host: "" }, null]), { host: "localhost", port: 443 }, "as net.connect passes them");
	t.equal(readConnect([80, "a.example", done])?.done, done);
	t.equal(readConnect([[{ port: 80 }, done]])?.done, done);
	for (const args of [
		["/tmp/socket"],
		[{ path: "/tmp/socket", port: 80 }],
		[{ port: 0 }],
		[{ port: 65_536 }],
		[{ port: "" }],
		[{ port: 80, host: 7 }],
		[{}],
		[null],
		[],
	])
		t.equal(targetOf(...args), null, JSON.stringify(args));
});

t.test("hosts of this machine and of private networks", async (t) => {
	const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? []);
	for (const host of ["localhost", "a.localhost", "127.0.0.2", "::1", "0.0.0.0", "::", hostname(), ...own])
		t.ok(isThisMachine(host), host);
	for (const host of ["a.example", "localhost.example", "192.0.2.1", "2001:db8::1"]) t.notOk(isThisMachine(host), host);
	for (const address of [
		"127.0.0.1",
		"::1",
		"10.1.2.3",
		"172.31.0.1",
		"192.168.0.1",
		"100.64.0.1",
		"fd00::1",
		"0.0.0.0",
	])
		t.ok(isNear(address), address);
	for (const address of ["172.32.0.1", "192.0.2.1", "198.18.0.1", "2001:db8::1"]) t.notOk(isNear(address), address);
	t.equal(formatTarget({ host: "::1", port: 80 }), "[::1]:80");
	t.equal(formatTarget({ host: "a.example", port: 80 }), "a.example:80");
});
