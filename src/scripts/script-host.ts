// Runs scripts: each is a hook that is reloaded when its file changes. Errors of scripts are logged, and the traffic
// continues.
import { FlowtapeError, messageOf } from "../errors.ts";
import type { Conversation, Flow, HttpFlow } from "../flow/flow.ts";
import type { ConnectionHook } from "../hooks/connection-hooks.ts";
import { Decision } from "../hooks/decision.ts";
import type { Hook, Phase } from "../hooks/hook.ts";
import { after, type MaybeAsync } from "../maybe-async.ts";
import type { OptionTable } from "../options.ts";
import type { Addon, Context } from "./addon.ts";
import { checkChunks, valueError } from "./check-value.ts";
import { pairOf, tlsDataOf, viewOf } from "./connection-view.ts";
import { misspeltEvents, requireEvents } from "./event-names.ts";
import { HTTPFlow, StreamFlow } from "./flow-view.ts";
import { foreignEvents } from "./foreign-events.ts";
import { comesFrom, describeError, loadScript, modificationTime, type Script } from "./load-script.ts";
import type { Streaming } from "./message-view.ts";

type Log = (level: "info" | "warning" | "error", message: string) => void;

/** The views of flows, shared by all scripts, so that properties that one script sets are visible to the others. */
type Views = WeakMap<Conversation, HTTPFlow | StreamFlow>;

/** How often files are checked for changes. Milliseconds. */
const WATCH_MS = 1000;

export class ScriptHost {
	readonly #scripts: RunningScript[] = [];
	/** Receives the log messages and errors of scripts. */
	log: Log = () => {};

	private constructor() {}

	/** @throws FlowtapeError FT_NOT_FOUND, FT_SCRIPT */
	static async load(files: readonly string[]): Promise<ScriptHost> {
		const host = new ScriptHost();
		const views: Views = new WeakMap();
		for (const file of new Set(files)) {
			const script = await loadScript(file);
			requireEvents(file, script.addons);
			host.#scripts.push(new RunningScript(script, (level, message) => host.log(level, message), views));
		}
		return host;
	}

	/** The options that the scripts declared. */
	get options(): OptionTable {
		return Object.assign({}, ...this.#scripts.map(({ options }) => options));
	}

	/** A hook for each script, in order. */
	get hooks(): Hook[] {
		return this.#scripts.map((script) => script.hook);
	}

	/** Logs an uncaught error (such as from a timer) if it comes from a script, and returns whether it does. */
	handleUncaught(error: unknown): boolean {
		return this.#scripts.some((script) => script.handleUncaught(error));
	}

	/**
	 * Starts the scripts. Call it when the values of the options are known. `watch`: reload scripts when their files
	 * change.
	 */
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
	/** Number of errors so far. */
	#errors = 0;
	#watch: NodeJS.Timeout | undefined;
	#reloading: Promise<void> = Promise.resolve();

	constructor(script: Script, log: Log, views: Views) {
		this.#script = script;
		this.#log = log;
		this.#views = views;
		this.#context = {
			options: {},
			log: { info: this.#logAs("info"), warn: this.#logAs("warning"), error: this.#logAs("error") },
		};
		this.hook = this.#hook();
	}

	get options(): OptionTable {
		return this.#script.options;
	}

	async start(values: Readonly<Record<string, unknown>>, watch: boolean): Promise<void> {
		this.#context = { ...this.#context, options: values };
		this.#warnOfUncalled();
		await this.call("configure");
		await this.call("running");
		if (watch) this.#watchFile(this.#script.changed);
	}

	/**
	 * Reloads the file when its modification time is not `seen`. Unlike fs.watchFile, this notices changes since the file
	 * was loaded.
	 */
	#watchFile(seen: number): void {
		this.#watch = setTimeout(async () => {
			const changed = await modificationTime(this.#script.file).catch(() => seen);
			if (changed !== seen) {
				this.#reloading = this.#reload();
				await this.#reloading;
			}
			if (this.#watch !== undefined) this.#watchFile(changed);
		}, WATCH_MS).unref();
	}

	async #reload(): Promise<void> {
		const { file } = this.#script;
		try {
			const loaded = await loadScript(file);
			requireEvents(file, loaded.addons);
			await this.call("done");
			this.#script = loaded;
			this.#log("info", `loaded ${file} again`);
			this.#warnOfUncalled();
			await this.call("configure");
			await this.call("running");
		} catch (error) {
			this.#log("error", `${messageOf(error)}; the previous version of the script continues`);
		}
	}

	/** Warns of functions that only mitmproxy would call, and of misspelt names. */
	#warnOfUncalled(): void {
		const { file, addons } = this.#script;
		for (const name of foreignEvents(addons))
			this.#log("warning", `${file}: ${name} is never called, because flowtape has no such event`);
		for (const [name, event] of misspeltEvents(addons))
			this.#log("warning", `${file}: ${name} is never called; did you mean ${event}?`);
	}

	/** Calls a function of all addons that have it, one after another. */
	call(name: keyof Addon, subject?: unknown): MaybeAsync {
		return this.#callFrom(0, name, subject);
	}

	#callFrom(first: number, name: keyof Addon, subject: unknown): MaybeAsync {
		const { addons } = this.#script;
		for (let i = first; i < addons.length; i++) {
			const addon = addons[i] as Addon;
			const call = addon[name] as ((...args: unknown[]) => unknown) | undefined;
			if (typeof call !== "function") continue;
			try {
				const wait = subject === undefined ? call.call(addon, this.#context) : call.call(addon, subject, this.#context);
				if (wait instanceof Promise)
					return wait
						.catch((error: unknown) => this.#reportError(error))
						.then(() => this.#callFrom(i + 1, name, subject));
			} catch (error) {
				this.#reportError(error);
			}
		}
	}

	handleUncaught(error: unknown): boolean {
		const isOurs = comesFrom(this.#script.file, error);
		if (isOurs) this.#reportError(error);
		return isOurs;
	}

	#reportError(error: unknown): void {
		this.#errors++;
		this.#log("error", `error in script ${describeError(this.#script.file, error)}`);
	}

	#logAs(level: "info" | "warning" | "error") {
		return (message: string): void => this.#log(level, `${this.#script.file}: ${message}`);
	}

	#hook(): Hook {
		const http = (name: Phase) => (flow: HttpFlow, decision: Decision) => this.#callHttp(name, flow, decision);
		const recorded = (flow: Flow) => this.#callRecorded(flow);
		const script = () => this.#script;
		return {
			name: "script",
			// the script may get or lose the function when it is loaded again
			get recorded() {
				return script().addons.some((addon) => typeof addon.recorded === "function") ? recorded : undefined;
			},
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

	/**
	 * Passes an event to the scripts. For a ClientHello, they get a copy, and their settings are copied back. For other
	 * events, they change the connections directly; an invalid server address is reported and undone.
	 */
	#callConnection(...[name, event]: Parameters<ConnectionHook>): MaybeAsync {
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
			this.#reportError(valueError("address", "a list of host and port", server.address));
			server.address = address;
		});
	}

	#callHttp(name: Phase, flow: HttpFlow, decision: Decision): MaybeAsync {
		const view = this.#viewOf(flow, decision) as HTTPFlow;
		if (name === "requestheaders") view.request.setDefaultStream(decision.requestStream ?? decision.streamsRequest);
		if (name === "responseheaders")
			view.response?.setDefaultStream(decision.responseStream ?? decision.streamsResponse);
		const [request, response] = [view.request.scriptStream, view.response?.scriptStream];
		return after(this.call(name, view), () => {
			if (name === "requestheaders" && view.request.scriptStream !== request)
				decision.requestStream = this.#guarded(view.request.scriptStream);
			if (name === "responseheaders" && view.response?.scriptStream !== response)
				decision.responseStream = this.#guarded(view.response?.scriptStream ?? null);
		});
	}

	/** Wraps a stream function: if it throws, the chunk is forwarded unchanged. */
	#guarded(stream: Streaming | null): Streaming | null {
		if (typeof stream !== "function") return stream;
		return (chunk) => {
			try {
				return checkChunks("the result of stream", stream(chunk));
			} catch (error) {
				this.#reportError(error);
				return chunk;
			}
		};
	}

	/** @throws FlowtapeError FT_SCRIPT if the script fails: the flow may still have what it would have removed */
	#callRecorded(flow: Flow): MaybeAsync {
		if (flow.type !== "http" && flow.type !== "tcp") return;
		const before = this.#errors;
		return after(this.call("recorded", this.#viewOf(flow, new Decision(false))), () => {
			if (this.#errors === before) return;
			const { file } = this.#script;
			throw new FlowtapeError("FT_SCRIPT", `${file}: recorded failed, so the flow ${flow.id} is not written`, { file });
		});
	}

	/** Replays the events of a stored TCP flow. */
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

	#viewOf(flow: Conversation, decision: Decision): HTTPFlow | StreamFlow {
		let view = this.#views.get(flow);
		if (view === undefined) {
			view = flow.type === "http" ? new HTTPFlow(flow, decision) : new StreamFlow(flow, decision);
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
