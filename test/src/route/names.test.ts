// Lookups are answered without a name server; a connection to such an address is one to the name.
import dns from "node:dns";
import { once } from "node:events";
import net from "node:net";
import { hostname } from "node:os";
import { promisify } from "node:util";
import t from "tap";
import { routed } from "../../../fixtures/routed.ts";

const called = async (call: (done: (...outcome: unknown[]) => void) => unknown): Promise<unknown[]> =>
	new Promise((resolve) => call((...outcome) => resolve(outcome)));

t.test("addresses of names", async (t) => {
	const { engine } = await routed(t, { routes: (host) => host !== "real.invalid" });
	const { address } = await dns.promises.lookup("api.example.com");
	t.match(address, /^198\.1[89]\.\d+\.\d+$/);
	t.same(await called((done) => dns.lookup("API.example.com", done)), [null, address, 4]);
	t.same(await called((done) => dns.lookup("api.example.com", { all: true }, done)), [null, [{ address, family: 4 }]]);
	t.same(await called((done) => dns.lookup("api.example.com", 6, done)), [null, `::ffff:${address}`, 6]);
	t.same(await dns.promises.lookup("api.example.com", { all: true, family: 6 }), [
		{ address: `::ffff:${address}`, family: 6 },
	]);
	t.same(await promisify(dns.lookup)("api.example.com"), { address, family: 4 });
	t.not((await dns.promises.lookup("other.example.com")).address, address);
	for (const host of [address, `::ffff:${address}`]) {
		const socket = net.connect(50051, host);
		await once(socket, "connect");
		t.match(
			engine.messages.findLast(({ kind }) => kind === "connected"),
			{
				target: { host: "api.example.com", port: 50051 },
			},
		);
		t.equal(socket.remoteAddress, address);
		socket.destroy();
	}
	for (const own of ["localhost", "127.0.0.1", hostname()])
		t.notMatch((await dns.promises.lookup(own)).address, /^198\./, own);
	await t.rejects(dns.promises.lookup("real.invalid"), { message: /^getaddrinfo/ }, "a name server is asked");
});

t.test("records of names", async (t) => {
	await routed(t, { offline: true });
	const { address } = await dns.promises.lookup("api.example.com");
	const resolver = new dns.Resolver();
	const promised = new dns.promises.Resolver();
	t.same(await dns.promises.resolve4("api.example.com"), [address]);
	t.same(await promised.resolve("api.example.com"), [address]);
	t.same(await promised.resolve("api.example.com", "A"), [address]);
	t.same(await called((done) => resolver.resolve4("api.example.com", done)), [null, [address]]);
	t.same(await called((done) => dns.resolve("api.example.com", done)), [null, [address]]);
	t.match(await dns.promises.resolve4("api.example.com", { ttl: true }), [{ address, ttl: Number }]);
	t.match(await dns.promises.resolveAny("api.example.com"), [{ type: "A", address }]);
	await t.rejects(dns.promises.resolve6("api.example.com"), {
		code: "ENODATA",
		syscall: "queryAaaa",
		hostname: "api.example.com",
	});
	await t.rejects(dns.promises.resolveTxt("api.example.com"), { code: "ENODATA", syscall: "queryTxt" });
	await t.rejects(promised.resolve("api.example.com", "MX"), { code: "ENODATA", syscall: "queryMx" });
	t.match(await called((done) => dns.resolveSrv("api.example.com", done)), [{ code: "ENODATA", syscall: "querySrv" }]);
});

t.test("an error of the callback is the lookup's", async (t) => {
	await routed(t, {
		routes: () => {
			throw new Error("bad filter");
		},
	});
	await t.rejects(dns.promises.lookup("api.example.com"), { message: "bad filter" });
	t.match(await called((done) => dns.lookup("api.example.com", done)), [{ message: "bad filter" }]);
});

t.test("an address that was kept leads to its name in the next route, and nowhere without one", async (t) => {
	const first = await routed(t);
	const { address } = await dns.promises.lookup("kept.example.com");
	first.route.remove();
	const second = await routed(t);
	const socket = net.connect(80, address);
	await once(socket, "connect");
	t.match(second.engine.messages[0], { target: { host: "kept.example.com", port: 80 } });
	socket.destroy();
});
