// Functions are replaced for the time of a route, and are the original ones again after it, whatever happened meanwhile.
import dns from "node:dns";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import tls from "node:tls";
import { promisify } from "node:util";
import { MessagePort } from "node:worker_threads";
import fc from "fast-check";
import t from "tap";
import { noRoute } from "../../../fixtures/no-route.ts";
import { RouteError } from "../../../src/route/patches.ts";
import { installedRoute, installRoute, type Route, type RouteOptions } from "../../../src/route/route.ts";

const options: RouteOptions = { ...noRoute, workers: { module: "none", data: () => ({}) } };

const owners = {
	net,
	tls,
	dns,
	http,
	http2,
	"dns.promises": dns.promises,
	"dns.Resolver": dns.Resolver.prototype,
	"dns.promises.Resolver": dns.promises.Resolver.prototype,
	"net.Socket": net.Socket,
	"net.Socket.prototype": net.Socket.prototype,
	"net.Server.prototype": net.Server.prototype,
	"tls.TLSSocket.prototype": tls.TLSSocket.prototype,
	"http.Agent.prototype": http.Agent.prototype,
	"worker_threads.MessagePort.prototype": MessagePort.prototype,
};

/** Every property of the objects that a route may change. */
function everything(): Map<string, PropertyDescriptor | undefined> {
	return new Map(
		Object.entries(owners).flatMap(([name, owner]) =>
			Reflect.ownKeys(owner).map(
				(key) => [`${name}.${String(key)}`, Object.getOwnPropertyDescriptor(owner, key)] as const,
			),
		),
	);
}

const clean = everything();
const isClean = (): boolean => {
	const now = everything();
	return (
		now.size === clean.size &&
		[...now].every(([name, { value, get, enumerable, writable } = {}]) => {
			const before = clean.get(name);
			return (
				before !== undefined &&
				value === before.value &&
				get === before.get &&
				enumerable === before.enumerable &&
				writable === before.writable
			);
		})
	);
};

t.test("named imports of core modules see both", async (t) => {
	const { lookup } = await import("node:dns");
	t.equal(lookup, dns.lookup);
	const original = dns.lookup;
	const route = installRoute(options);
	const during = await import("node:dns");
	t.not(during.lookup, original);
	t.equal(during.lookup, dns.lookup);
	t.equal(during.lookup.name, original.name);
	t.same(await promisify(dns.lookup)("127.0.0.1"), { address: "127.0.0.1", family: 4 }, "promisify still knows it");
	route.remove();
	t.equal((await import("node:dns")).lookup, original);
	t.ok(isClean());
});

t.test("any order of installing, removing, failing and patching by others leaves nothing behind", async () => {
	const step = fc.constantFrom(
		"install",
		"concurrent",
		"remove",
		"twice",
		"frozen",
		"authority",
		"foreign",
		"unforeign",
	);
	fc.assert(
		fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
			let route: Route | null = null;
			let foreign: { before: typeof net.Socket.prototype.connect; own: unknown } | null = null;
			const install = (more: Partial<RouteOptions>): void => {
				if (route === null) route = installRoute({ ...options, ...more });
			};
			const fails = (more: Partial<RouteOptions> = {}): void => {
				try {
					const made = installRoute({ ...options, ...more });
					made.remove();
					throw new Error("it was installed");
				} catch (error) {
					if ((error as Error).message === "it was installed") throw error;
				}
			};
			for (const name of steps) {
				if (name === "install") install({});
				else if (name === "concurrent") install({ concurrent: true, offline: true });
				else if (name === "twice" && route !== null) fails();
				else if (name === "authority" && route === null) fails({ authority: "none" });
				else if (name === "frozen" && route === null) {
					const { lookup } = dns.promises;
					Object.defineProperty(dns.promises, "lookup", { get: () => lookup, configurable: true, enumerable: true });
					installRoute(options).remove();
					Object.defineProperty(dns.promises, "lookup", {
						value: lookup,
						configurable: true,
						enumerable: true,
						writable: true,
					});
				} else if (name === "foreign" && foreign === null) {
					const before = net.Socket.prototype.connect;
					const own = function (this: net.Socket, ...args: unknown[]) {
						return Reflect.apply(before, this, args);
					};
					foreign = { before, own };
					Reflect.set(net.Socket.prototype, "connect", own);
				} else if (name === "unforeign" && foreign !== null && net.Socket.prototype.connect === foreign.own) {
					net.Socket.prototype.connect = foreign.before;
					foreign = null;
				} else if (name === "remove" && route !== null) {
					(route as Route).remove();
					route = null;
				}
			}
			(route as Route | null)?.remove();
			// a tool that patched during a route, and restores the function that it found
			Object.defineProperty(
				net.Socket.prototype,
				"connect",
				clean.get("net.Socket.prototype.connect") as PropertyDescriptor,
			);
			return isClean() && installedRoute() === null;
		}),
		{ numRuns: 200 },
	);
});

t.test("a function that cannot be replaced", async (t) => {
	const { lookup } = dns;
	Object.defineProperty(dns, "lookup", { value: lookup, configurable: true, writable: false, enumerable: true });
	const route = installRoute(options);
	t.not(dns.lookup, lookup, "a function that can be configured is replaced");
	route.remove();
	t.equal(dns.lookup, lookup);
	Object.defineProperty(dns, "lookup", { value: lookup, configurable: true, writable: true, enumerable: true });
	t.ok(isClean());
});

t.test("another tool that patches after us is told, and works on", async (t) => {
	const { connect } = net.Socket.prototype;
	const route = installRoute(options);
	const ours = net.Socket.prototype.connect;
	const theirs = function (this: net.Socket, ...args: unknown[]) {
		return Reflect.apply(ours, this, args);
	};
	Reflect.set(net.Socket.prototype, "connect", theirs);
	t.same(route.remove().replaced, ["net.Socket.prototype.connect"]);
	t.same(route.remove().replaced, ["net.Socket.prototype.connect"], "the same when called again");
	t.equal(net.Socket.prototype.connect, theirs, "it stays");
	const server = net.createServer((socket) => socket.end("hi")).listen(0);
	const socket = net.connect((server.address() as net.AddressInfo).port);
	t.equal((await socket.setEncoding("utf8").toArray()).join(""), "hi", "and connects to the network");
	server.close();
	net.Socket.prototype.connect = connect;
	t.ok(isClean());
});

t.test("a second route is an error", async (t) => {
	const route = installRoute(options);
	t.equal(installedRoute(), route);
	t.throws(
		() => installRoute(options),
		new RouteError("the connections of this thread are routed already; remove that route first"),
	);
	route.remove();
	t.equal(installedRoute(), null);
});

t.test("a mock of node:net is an error", async (t) => {
	const { connect } = net.Socket.prototype;
	Reflect.deleteProperty(net.Socket.prototype, "connect");
	t.teardown(() =>
		Object.defineProperty(net.Socket.prototype, "connect", clean.get("net.Socket.prototype.connect") ?? {}),
	);
	t.throws(() => installRoute(options), { code: "FT_ROUTE", message: /node:net is replaced/ });
	t.type(connect, "function");
});
