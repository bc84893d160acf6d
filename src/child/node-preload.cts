// Loaded first by every Node process of a child command: leads its HTTP through the proxy that FLOWTAPE_PROXY names. Nodes before 22.21
// and 24.5 heed no proxy variable; later ones do for `fetch` and the global agents, but not for agents that a program makes itself.
// CommonJS, without imports of ours and in words that old Nodes understand, as it is the child's Node that runs this.
import type { Agent } from "node:http";
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";

const http: typeof import("node:http") = require("node:http");
const https: typeof import("node:https") = require("node:https");
const net: typeof import("node:net") = require("node:net");
const tls: typeof import("node:tls") = require("node:tls");
const fs: typeof import("node:fs") = require("node:fs");

type Done = (error: Error | null, socket?: Socket) => void;

/** Where a request is to go, as agents and undici put it, with what the program said about TLS. */
interface Target extends ConnectionOptions {
	socketPath?: string;
	hostname?: string;
	protocol?: string;
}

/** What an agent makes its connections with; it may return the socket, or give it to `done` later. */
type Connect = (this: Agent, target: Target, done?: Done) => Socket | undefined;

const proxy = new URL(process.env.FLOWTAPE_PROXY || "http://localhost");
const proxyHost = proxy.hostname.replace(/^\[|\]$/g, "");
const proxyPort = Number(proxy.port || 80);
const nodeHeedsVariables = process.env.NODE_USE_ENV_PROXY === "1" && process.allowedNodeEnvironmentFlags.has("--use-env-proxy");

if (process.env.FLOWTAPE_PROXY) {
	trustAuthority(https.Agent.prototype);
	routeAgents(http.Agent.prototype, 80, (_secure, socket) => socket);
	routeAgents(https.Agent.prototype, 443, (secure, socket, target) => secure({ ...target, socket }));
	if (nodeHeedsVariables) silenceProxyWarning();
	else routeFetch();
}

/** A program that names its authorities would refuse ours: NODE_EXTRA_CA_CERTS adds to the default ones only. */
function trustAuthority(prototype: object): void {
	const file = process.env.FLOWTAPE_CA_FILE;
	if (!file) return;
	const methods = prototype as { createConnection: Connect };
	const direct = methods.createConnection;
	methods.createConnection = function (target, done) {
		const { ca } = Object(target) as Target;
		return direct.call(this, ca ? { ...target, ca: [...(Array.isArray(ca) ? ca : [ca]), fs.readFileSync(file)] } : target, done);
	};
}

/** Makes all agents of a class connect through the proxy; `enter` makes of a tunnel what the agent's own way would make of a socket. */
function routeAgents(prototype: object, defaultPort: number, enter: (direct: (target: Target) => Socket, socket: Socket, target: Target) => Socket): void {
	const methods = prototype as { createConnection: Connect };
	const direct = methods.createConnection;
	methods.createConnection = function (target, done) {
		if (!done || goesDirect(this, target)) return direct.call(this, target, done);
		openTunnel(target.host || "localhost", Number(target.port || defaultPort), (error, socket) => {
			if (!socket) return done(error);
			let entered: Socket;
			try {
				entered = enter((options) => direct.call(this, options) || socket, socket, target);
			} catch (cause) {
				// TLS options that make no sense
				socket.destroy();
				return done(cause as Error);
			}
			done(null, entered);
		});
		return undefined;
	};
}

function goesDirect(agent: Agent & { options?: { proxyEnv?: unknown } }, target: Target): boolean {
	if (typeof target !== "object" || target.socketPath) return true;
	// A program that heeds the variables speaks with the proxy itself.
	if (target.host === proxyHost && Number(target.port) === proxyPort) return true;
	return nodeHeedsVariables && (agent === http.globalAgent || agent === https.globalAgent || Boolean(agent.options?.proxyEnv));
}

/** Node's own undici makes its dispatcher when first touched: put one of the same class in its place that connects through the proxy. */
function routeFetch(): void {
	const key = Symbol.for("undici.globalDispatcher.1");
	// There already: Node 24.0 to 24.4 heed the variables for `fetch` alone, or a program's own preload module chose one.
	if (Reflect.get(globalThis, key) || !Reflect.get(globalThis, "Headers")) return;
	const dispatcher: { constructor: new (options: object) => object } | undefined = Reflect.get(globalThis, key);
	if (dispatcher) Reflect.set(globalThis, key, new dispatcher.constructor({ connect: connectFetch }));
}

function connectFetch(target: Target, done: Done): void {
	const host = (target.hostname || "localhost").replace(/^\[|\]$/g, "");
	const isSecure = target.protocol === "https:";
	openTunnel(host, Number(target.port || (isSecure ? 443 : 80)), (error, socket) => {
		if (!isSecure || !socket) return done(error, socket);
		const secured = tls.connect({ socket, host, servername: target.servername || (net.isIP(host) ? "" : host), ALPNProtocols: ["http/1.1"] });
		secured.once("error", done).once("secureConnect", () => {
			secured.removeListener("error", done);
			done(null, secured);
		});
	});
}

/** Asks the proxy for a connection to a host (RFC 9110 9.3.6). */
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
		finish(/^HTTP\/1\.[01] 2/.test(statusLine) ? null : new Error(`the proxy answered "${statusLine}" when asked for ${authority}`));
	};
	socket.on("readable", read).on("error", finish).on("end", end);
	socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login()}\r\n`);
}

/** As whom the proxy is asked, a line of the head: HTTPS_PROXY may have got a name for this process after it was started. */
function login(): string {
	for (const text of [process.env.HTTPS_PROXY, process.env.FLOWTAPE_PROXY]) {
		try {
			const { host, username, password } = new URL(text || "");
			const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
			if (host === proxy.host && username) return `Proxy-Authorization: Basic ${Buffer.from(credentials).toString("base64")}\r\n`;
		} catch {
			// no URL
		}
	}
	return "";
}

/** Node 22 warns at every start that its support of proxy variables is experimental; it was not the user who asked for it. */
function silenceProxyWarning(): void {
	const { emit } = process;
	const quieter = function (this: NodeJS.Process, event: string, ...args: unknown[]): boolean {
		if (event === "warning" && Reflect.get(Object(args[0]), "code") === "UNDICI-EHPA") return false;
		return Reflect.apply(emit, this, [event, ...args]);
	};
	Reflect.set(process, "emit", quieter);
	// The warning was made before this module was loaded and comes with the first tick.
	setImmediate(() => {
		if (Reflect.get(process, "emit") === quieter) process.emit = emit;
	}).unref();
}
