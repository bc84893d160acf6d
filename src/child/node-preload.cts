// Preloaded by every Node process of a child command: sends its HTTP through the proxy in FLOWTAPE_PROXY. Node before
// 22.21 and 24.5 ignores proxy variables; later versions use them for `fetch` and the global agents, but not for agents
// that a program creates. CommonJS in syntax that old versions of Node understand, and without imports of other
// flowtape modules, because the child's own Node runs it.
import type { Agent } from "node:http";
import type { Server, Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";

const http: typeof import("node:http") = require("node:http");
const https: typeof import("node:https") = require("node:https");
const net: typeof import("node:net") = require("node:net");
const tls: typeof import("node:tls") = require("node:tls");
const fs: typeof import("node:fs") = require("node:fs");

type Done = (error: Error | null, socket?: Socket) => void;

/** The destination of a request with the program's TLS options, as agents and undici pass it to a connect function. */
interface Target extends ConnectionOptions {
	socketPath?: string;
	hostname?: string;
	protocol?: string;
}

/** An agent's `createConnection`: returns the socket, or passes it to `done` later. */
type Connect = (this: Agent, target: Target, done?: Done) => Socket | undefined;

const proxy = new URL(process.env.FLOWTAPE_PROXY || "http://localhost");
const proxyHost = proxy.hostname.replace(/^\[|\]$/g, "");
const proxyPort = Number(proxy.port || 80);
const nodeUsesVariables =
	process.env.NODE_USE_ENV_PROXY === "1" && process.allowedNodeEnvironmentFlags.has("--use-env-proxy");

/** Servers of this process on which `listen` was called, until they are closed. */
const servers = new Set<Server>();

if (process.env.FLOWTAPE_PROXY) {
	noteServers(net.Server.prototype);
	if (process.env.FLOWTAPE_CLIENTS) announceClient(net.Socket.prototype, process.env.FLOWTAPE_CLIENTS);
	trustAuthority(https.Agent.prototype);
	routeAgents(http.Agent.prototype, 80, (_secure, socket) => socket);
	routeAgents(https.Agent.prototype, 443, (secure, socket, target) => secure({ ...target, socket }));
	if (nodeUsesVariables) silenceProxyWarning();
	else routeFetch();
}

/**
 * Remembers each server when `listen` is called, and not at its `listening` event: an earlier listener of that event
 * may connect to the server before ours runs.
 */
function noteServers(prototype: Server): void {
	const { listen } = prototype;
	prototype.listen = function (this: Server, ...args: unknown[]) {
		servers.add(this);
		this.once("close", () => servers.delete(this));
		return Reflect.apply(listen, this, args);
	};
}

/** Leaves a file in a folder before this process first connects to the proxy (client-processes.ts). */
function announceClient(prototype: Socket, folder: string): void {
	const { connect } = prototype;
	prototype.connect = function (this: Socket, ...args: unknown[]) {
		// net.connect passes the options in a list
		const { host, port } = Object(Array.isArray(args[0]) ? args[0][0] : args[0]) as Target;
		if (host === proxyHost && Number(port) === proxyPort) {
			prototype.connect = connect;
			try {
				fs.writeFileSync(`${folder}/${process.pid}-${Date.now()}`, "");
			} catch {
				// the proxy has ended, or this process may not write there
			}
		}
		return Reflect.apply(connect, this, args);
	};
}

function isLoopback(host: string): boolean {
	return /^(?:.+\.)?localhost$|^127\.|^::1$|^::ffff:127\.|^0\.0\.0\.0$|^::$/i.test(host);
}

/**
 * The loopback address of the server in this process that a connection to this host and port would reach; empty: none.
 */
function ownAddress(host: string, port: number): string {
	if (!isLoopback(host)) return "";
	for (const server of servers) {
		const bound = server.address();
		if (!bound || typeof bound !== "object" || bound.port !== port) continue;
		const { address } = bound;
		if (
			address === host ||
			(!net.isIP(host) && isLoopback(address) && net.isIP(address) && address !== "::" && address !== "0.0.0.0")
		)
			return address;
		if (address === "::" || address === "0.0.0.0")
			return /^127\./.test(host) ? host : address === "::" && host !== "0.0.0.0" ? "::1" : "127.0.0.1";
	}
	return "";
}

/**
 * Whether NO_PROXY names a host. A name includes its subdomains, may begin with `.` or `*.` and may end with a port;
 * `*` is every host.
 */
function isExempt(host: string, port: number): boolean {
	const list = process.env.no_proxy || process.env.NO_PROXY || "";
	return list
		.toLowerCase()
		.split(/[\s,]+/)
		.some((entry) => {
			const [, bracketed, plain = "", only] =
				/^(?:\[([^\]]+)\]|(.*?))(?::(\d+))?$/.exec(entry.replace(/^[0-9a-f]*:[0-9a-f]*:[0-9a-f:]*$/, "[$&]")) || [];
			const name = (bracketed || plain).replace(/^\*?\./, "");
			if (name === "" || (only !== undefined && Number(only) !== port)) return false;
			const target = host.toLowerCase();
			return name === "*" || target === name || target.endsWith(`.${name}`);
		});
}

/** Adds our authority to the `ca` option if a program sets it: NODE_EXTRA_CA_CERTS extends only the default list. */
function trustAuthority(prototype: object): void {
	const file = process.env.FLOWTAPE_CA_FILE;
	if (!file) return;
	const methods = prototype as { createConnection: Connect };
	const direct = methods.createConnection;
	methods.createConnection = function (target, done) {
		const { ca } = Object(target) as Target;
		return direct.call(
			this,
			ca ? { ...target, ca: [...(Array.isArray(ca) ? ca : [ca]), fs.readFileSync(file)] } : target,
			done,
		);
	};
}

/**
 * Makes all agents of a class connect through the proxy. `enter` turns the socket of a tunnel into the connection that
 * the agent itself would make.
 */
function routeAgents(
	prototype: object,
	defaultPort: number,
	enter: (direct: (target: Target) => Socket, socket: Socket, target: Target) => Socket,
): void {
	const methods = prototype as { createConnection: Connect };
	const direct = methods.createConnection;
	methods.createConnection = function (target, done) {
		if (!done || goesDirect(this, target, defaultPort)) return direct.call(this, target, done);
		openTunnel(target.host || "localhost", Number(target.port || defaultPort), (error, socket) => {
			if (!socket) return done(error);
			let entered: Socket;
			try {
				entered = enter((options) => direct.call(this, options) || socket, socket, target);
			} catch (cause) {
				// invalid TLS options
				socket.destroy();
				return done(cause as Error);
			}
			done(null, entered);
		});
		return undefined;
	};
}

function goesDirect(agent: Agent & { options?: { proxyEnv?: unknown } }, target: Target, defaultPort: number): boolean {
	if (typeof target !== "object" || target.socketPath) return true;
	if (isExempt(target.host || "localhost", Number(target.port || defaultPort))) return true;
	// A program that reads the variables connects to the proxy itself.
	if (target.host === proxyHost && Number(target.port) === proxyPort) return true;
	return (
		nodeUsesVariables && (agent === http.globalAgent || agent === https.globalAgent || Boolean(agent.options?.proxyEnv))
	);
}

/**
 * Replaces the global dispatcher of Node's undici with one of the same class that connects through the proxy. Undici
 * creates the dispatcher on first use: here, when `Headers` is read.
 */
function routeFetch(): void {
	const key = Symbol.for("undici.globalDispatcher.1");
	// The dispatcher is already set by Node 24.0 to 24.4, which use the variables for `fetch` only, or by a preload
	// module of the program.
	if (Reflect.get(globalThis, key) || !Reflect.get(globalThis, "Headers")) return;
	const dispatcher: { constructor: new (options: object) => object } | undefined = Reflect.get(globalThis, key);
	if (dispatcher) Reflect.set(globalThis, key, new dispatcher.constructor({ connect: connectFetch }));
}

function connectFetch(target: Target, done: Done): void {
	const host = (target.hostname || "localhost").replace(/^\[|\]$/g, "");
	const isSecure = target.protocol === "https:";
	const port = Number(target.port || (isSecure ? 443 : 80));
	const open = isExempt(host, port) ? openDirectly : openTunnel;
	open(host, port, (error, socket) => {
		if (!isSecure || !socket) return done(error, socket);
		const secured = tls.connect({
			socket,
			host,
			servername: target.servername || (net.isIP(host) ? "" : host),
			ALPNProtocols: ["http/1.1"],
		});
		secured.once("error", done).once("secureConnect", () => {
			secured.removeListener("error", done);
			done(null, secured);
		});
	});
}

function openDirectly(host: string, port: number, done: Done): void {
	const socket = net.connect({ host, port });
	const finish = (error: Error | null): void => {
		socket.removeListener("error", finish).removeListener("connect", connected);
		done(error, error ? undefined : socket);
	};
	const connected = (): void => finish(null);
	socket.on("error", finish).on("connect", connected);
}

/** Asks the proxy for a tunnel to a host (RFC 9110 section 9.3.6). */
function openTunnel(host: string, port: number, done: Done): void {
	const authority = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
	const socket = net.connect({ host: proxyHost, port: proxyPort });
	socket.setNoDelay(true);
	let head = "";
	const finish = (error: Error | null): void => {
		socket.removeListener("readable", read).removeListener("error", finish).removeListener("end", end);
		if (error) socket.destroy();
		done(error, error ? undefined : socket);
	};
	const end = (): void => finish(new Error(`the proxy closed the connection when asked for ${authority}`));
	const read = (): void => {
		const chunk: Buffer | null = socket.read();
		if (chunk) head += chunk.toString("latin1");
		const headEnd = head.indexOf("\r\n\r\n");
		if (headEnd < 0) return;
		const statusLine = head.slice(0, head.indexOf("\r\n"));
		const rest = head.slice(headEnd + 4);
		if (rest) socket.unshift(Buffer.from(rest, "latin1"));
		finish(
			/^HTTP\/1\.[01] 2/.test(statusLine)
				? null
				: new Error(`the proxy answered "${statusLine}" when asked for ${authority}`),
		);
	};
	socket.on("readable", read).on("error", finish).on("end", end);
	const own = process.env.FLOWTAPE_OWN_TOKEN ? ownAddress(host, port) : "";
	const claim = own ? `Flowtape-Own-Server: ${process.env.FLOWTAPE_OWN_TOKEN} ${own}\r\n` : "";
	socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login()}${claim}\r\n`);
}

/**
 * The Proxy-Authorization field line; empty: no user name is set. A user name may have been added to HTTPS_PROXY for
 * this process only.
 */
function login(): string {
	for (const text of [process.env.HTTPS_PROXY, process.env.FLOWTAPE_PROXY]) {
		try {
			const { host, username, password } = new URL(text || "");
			const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
			if (host === proxy.host && username)
				return `Proxy-Authorization: Basic ${Buffer.from(credentials).toString("base64")}\r\n`;
		} catch {
			// not a URL
		}
	}
	return "";
}

/**
 * Node 22 warns at every start that its support of proxy variables is experimental. The user did not enable it, so the
 * warning is not shown.
 */
function silenceProxyWarning(): void {
	const { emit } = process;
	const quieter = function (this: NodeJS.Process, event: string, ...args: unknown[]): boolean {
		if (event === "warning" && Reflect.get(Object(args[0]), "code") === "UNDICI-EHPA") return false;
		return Reflect.apply(emit, this, [event, ...args]);
	};
	Reflect.set(process, "emit", quieter);
	// The warning was queued before this module was loaded, and is emitted in the first tick.
	setImmediate(() => {
		if (Reflect.get(process, "emit") === quieter) process.emit = emit;
	}).unref();
}
