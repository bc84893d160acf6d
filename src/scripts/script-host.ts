// The scripts of a run: each is a hook, loaded anew when its file changes; what it throws is told of, and the traffic goes on.
import type { Flow, HttpFlow } from "../flow/flow.ts";
import type { ConnectionHook } from "../hooks/connection-hooks.ts";
import type { Decision } from "../hooks/decision.ts";
import type { Hook, Phase } from "../hooks/hook.ts";
import { after } from "../maybe-async.ts";
import type { OptionTable } from "../options.ts";
import type { Addon, Context } from "./addon.ts";
import { checkChunks, wrong } from "./check-value.ts";
import { pairOf, tlsDataOf, viewOf } from "./connection-view.ts";
import { HTTPFlow, StreamFlow } from "./flow-view.ts";
import { foreignEvents } from "./foreign-events.ts";
import { changeOf, isFrom, loadScript, type Script, whereIn } from "./load-script.ts";
import type { Streaming } from "./message-view.ts";

type Log = (level: "info" | "warning" | "error", message: string) => void;

/** Shared by all scripts: what one of them notes on a flow, the others see. */
type Views = WeakMap<Flow, HTTPFlow | StreamFlow>;

/** How often files are looked at. */
const WATCH_MS = 1000;

export class ScriptHost {
	readonly #scripts: RunningScript[] = [];
	/** Told what scripts log, and of their errors. */
	log: Log = () => {};

	private constructor() {}

	/** @throws FlowtapeError FT_NOT_FOUND, FT_SCRIPT */
	static async load(files: readonly string[]): Promise<ScriptHost> {
		const host = new ScriptHost();
		const views: Views = new WeakMap();
		for (const file of new Set(files)) host.#scripts.push(new RunningScript(await loadScript(file), (level, message) => host.log(level, message), views));
		return host;
	}

	/** What the scripts declared. */
	get options(): OptionTable {
		return Object.assign({}, ...this.#scripts.map(({ options }) => options));
	}

	/** A hook for each script, in their order. */
	get hooks(): Hook[] {
		return this.#scripts.map((script) => script.hook);
	}

	/** Whether an error that came up outside of all calls, as in a timer, is one of a script; then it is told. */
	handleUncaught(error: unknown): boolean {
		return this.#scripts.some((script) => script.handleUncaught(error));
	}

	/** Options have their values. `watch`: load scripts anew when they change. */
	async start(values: Readonly<Record<string, unknown>>, { watch = false } = {}): Promise<void> {
		for (const script of this.#scripts) await script.start(values, watch);
	}
}

class RunningScript {
	readonly hook: Hook;
	#script: Script;
	readonly #log: Log;
	#context: Context;
	readonly #views: Views;
	#watch: NodeJS.Timeout | undefined;
	#reloading: Promise<void> = Promise.resolve();

	constructor(script: Script, log: Log, views: Views) {
		this.#script = script;
		this.#log = log;
		this.#views = views;
		this.#context = { options: {}, log: { info: this.#logAs("info"), warn: this.#logAs("warning"), error: this.#logAs("error") } };
		this.hook = this.#hook();
	}

	get options(): OptionTable {
		return this.#script.options;
	}

	async start(values: Readonly<Record<string, unknown>>, watch: boolean): Promise<void> {
		this.#context = { ...this.#context, options: values };
		this.#warn();
		await this.call("configure");
		await this.call("running");
		if (watch) this.#look(this.#script.changed);
	}

	/** Loads the file anew once it is another than the one seen, which may have changed since it was loaded: fs.watchFile would miss that. */
	#look(seen: number): void {
		this.#watch = setTimeout(async () => {
			const changed = await changeOf(this.#script.file).catch(() => seen);
			if (changed !== seen) {
				this.#reloading = this.#reload();
				await this.#reloading;
			}
			if (this.#watch !== undefined) this.#look(changed);
		}, WATCH_MS).unref();
	}

	async #reload(): Promise<void> {
		const { file } = this.#script;
		try {
			const fresh = await loadScript(file);
			await this.call("done");
			this.#script = fresh;
			this.#log("info", `loaded ${file} again`);
			this.#warn();
			await this.call("configure");
			await this.call("running");
		} catch (error) {
			this.#log("error", `${error instanceof Error ? error.message : String(error)}; the script goes on as it was`);
		}
	}

	/** Of functions that other programs would call. */
	#warn(): void {
		const { file, addons } = this.#script;
		for (const name of foreignEvents(addons)) this.#log("warning", `${file}: ${name} is never called: flowtape has no such event`);
	}

	/** Calls a function of all addons that have it, one after the other. */
	call(name: keyof Addon, subject?: unknown): void | Promise<void> {
		return this.#callFrom(0, name, subject);
	}

	#callFrom(first: number, name: keyof Addon, subject: unknown): void | Promise<void> {
		const { addons } = this.#script;
		for (let i = first; i < addons.length; i++) {
			const addon = addons[i] as Addon;
			const call = addon[name] as ((...args: unknown[]) => unknown) | undefined;
			if (typeof call !== "function") continue;
			try {
				const wait = subject === undefined ? call.call(addon, this.#context) : call.call(addon, subject, this.#context);
				if (wait instanceof Promise) return wait.catch((error: unknown) => this.#failed(error)).then(() => this.#callFrom(i + 1, name, subject));
			} catch (error) {
				this.#failed(error);
			}
		}
	}

	handleUncaught(error: unknown): boolean {
		const isOurs = isFrom(this.#script.file, error);
		if (isOurs) this.#failed(error);
		return isOurs;
	}

	#failed(error: unknown): void {
		this.#log("error", `error in script ${whereIn(this.#script.file, error)}`);
	}

	#logAs(level: "info" | "warning" | "error") {
		return (message: string): void => this.#log(level, `${this.#script.file}: ${message}`);
	}

	#hook(): Hook {
		const http = (name: Phase) => (flow: HttpFlow, decision: Decision) => this.#callHttp(name, flow, decision);
		return {
			name: "script",
			needs: { request: true, response: true },
			requestheaders: http("requestheaders"),
			request: http("request"),
			responseheaders: http("responseheaders"),
			response: http("response"),
			error: http("error"),
			websocket_start: http("websocket_start"),
			websocket_message: http("websocket_message"),
			websocket_end: http("websocket_end"),
			flow: (flow, decision) => this.#callStored(flow, decision),
			connection: (...event) => this.#callConnection(...event),
			connect: (name, flow, decision) => this.call(name, this.#viewOf(flow, decision)),
			tcp: (name, flow, decision) => this.call(name, this.#viewOf(flow, decision)),
			close: async () => {
				clearTimeout(this.#watch);
				this.#watch = undefined;
				await this.#reloading;
				await this.call("done");
			},
		};
	}

	/** Scripts get the event as a copy, as they may set what is in it; where a connection goes is for them to say. */
	#callConnection(...[name, event]: Parameters<ConnectionHook>): void | Promise<void> {
		if ("client_hello" in event) {
			const data = { ...event, context: pairOf(event.context) };
			return after(this.call(name, data), () => {
				event.ignore_connection = data.ignore_connection;
				event.establish_server_tls_first = data.establish_server_tls_first;
			});
		}
		if ("conn" in event) return this.call(name, tlsDataOf(event));
		if (!("server" in event)) return this.call(name, viewOf(event));
		const { server } = event;
		const { address } = server;
		return after(this.call(name, pairOf(event)), () => {
			if (isAddress(server.address)) return;
			this.#failed(wrong("address", "a list of host and port", server.address));
			server.address = address;
		});
	}

	#callHttp(name: Phase, flow: HttpFlow, decision: Decision): void | Promise<void> {
		const view = this.#viewOf(flow, decision) as HTTPFlow;
		if (name === "requestheaders") view.request.passes(decision.requestStream ?? decision.passesRequest);
		if (name === "responseheaders") view.response?.passes(decision.responseStream ?? decision.passesResponse);
		const [request, response] = [view.request.saidStream, view.response?.saidStream];
		const wait = this.call(name, view);
		const settle = () => {
			if (name === "requestheaders" && view.request.saidStream !== request) decision.requestStream = this.#guarded(view.request.saidStream);
			if (name === "responseheaders" && view.response?.saidStream !== response) decision.responseStream = this.#guarded(view.response?.saidStream ?? null);
		};
		if (wait !== undefined) return wait.then(settle);
		settle();
	}

	/** A chunk that a function fails on passes as it is. */
	#guarded(stream: Streaming | null): Streaming | null {
		if (typeof stream !== "function") return stream;
		return (chunk) => {
			try {
				return checkChunks("what stream gives", stream(chunk));
			} catch (error) {
				this.#failed(error);
				return chunk;
			}
		};
	}

	/** A stored TCP or UDP flow, as it happened. */
	async #callStored(flow: Exclude<Flow, HttpFlow>, decision: Decision): Promise<void> {
		if (flow.type !== "tcp") return;
		const view = this.#viewOf(flow, decision);
		const messages = flow.messages;
		flow.messages = [];
		await this.call("tcp_start", view);
		for (const message of messages) {
			flow.messages.push(message);
			await this.call("tcp_message", view);
		}
		await this.call(flow.error === null ? "tcp_end" : "tcp_error", view);
	}

	#viewOf(flow: Flow, decision: Decision): HTTPFlow | StreamFlow {
		let view = this.#views.get(flow);
		if (view === undefined) {
			view = flow.type === "http" ? new HTTPFlow(flow, decision) : new StreamFlow(flow as never, decision);
			this.#views.set(flow, view);
		}
		return view;
	}
}

function isAddress(address: unknown): boolean {
	if (address === null) return true;
	const [host, port] = Array.isArray(address) ? address : [];
	return typeof host === "string" && Number.isInteger(port) && port >= 0 && port <= 65535;
}
