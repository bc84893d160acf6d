// The events of a run for the program that started it, and the report at its end.
import type { Flow } from "../src/flow/flow.ts";
import type { Miss, Served } from "../src/hooks/context.ts";
import type { ProxyEvent as LiveEvent } from "../src/proxy/server.ts";
import { Emitter, type EventOf, errorOf } from "./emitter.ts";
import type { LiveReport, TrafficSetup } from "./traffic.ts";
import { TroubleLog, type TroubleOptions } from "./trouble.ts";

/** The events of a proxy or a replay, by name. */
export interface ProxyEvents {
	/**
	 * A flow is complete or has failed (`flow.error`). Do not change it: it may not be written to the tape yet. With
	 * `redact`, its secrets are replaced, as on the tape.
	 */
	flow: Flow;
	/** No recording answered a request. */
	miss: Miss;
	/** A recording answered a request. */
	served: Served;
	/** The proxy is about to connect to a server, `host:port`. */
	egress: { readonly destination: string };
	/**
	 * A warning in one line: for example a client that does not trust the authority, or a header that could not be sent.
	 */
	warning: string;
	/**
	 * An error that does not stop the traffic: a flow that could not be stored, a damaged recording, an error of a
	 * listener or a hook (whose request gets a 502).
	 */
	error: Error;
}

/** An event as `events` yields it: its name as `kind`, its value as `value`. */
export type ProxyEvent = EventOf<ProxyEvents>;

export const EVENT_KINDS = [
	"flow",
	"miss",
	"served",
	"egress",
	"warning",
	"error",
] as const satisfies readonly (keyof ProxyEvents)[];

/** The counts of a run. */
export interface RunReport {
	/** Flows that were written to the tape. */
	readonly recorded: number;
	/** Flows that could not be written. */
	readonly lost: number;
	/** Requests that recordings answered. */
	readonly served: number;
	/** Requests that no recording answered. */
	readonly missed: number;
	/** Recordings that never answered. */
	readonly unused: number;
	/** Attempts to connect to servers, by `host:port`. */
	readonly egress: ReadonlyMap<string, number>;
	/** With `run`: requests and tunnels to servers of the command itself, which were not intercepted. */
	readonly own: number;
	/** Requests that browsers made by themselves, which got fixed answers and were not recorded. */
	readonly noise: number;
	/** The values of the first 100 `error` events. */
	readonly errors: readonly Error[];
}

/** Maximum number of errors in the report. */
const KEPT_ERRORS = 100;

/** The warning for a header field that could not be sent. */
export function leftOutText({ field, of, url }: Extract<LiveEvent, { kind: "left_out" }>): string {
	return `the field ${JSON.stringify(field)} of the ${of} ${of === "request" ? "for" : "of"} ${url} was left out: HTTP/2 does not allow it`;
}

/** Turns the callbacks of a proxy or a replay into events. */
export class RunEvents {
	readonly emitter: Emitter<ProxyEvents>;
	readonly errors: Error[] = [];
	readonly #troubles: TroubleLog;
	/** Called when a listener needs an event for every flow. */
	onFlowsWanted: () => void = () => {};
	/** Called at the end. */
	onClosed: () => void = () => {};
	/** Before the start, damage is thrown to the caller; afterwards it is an `error` event. */
	isStarted = false;

	constructor(options: TroubleOptions) {
		this.#troubles = new TroubleLog(options);
		this.emitter = new Emitter(
			(kind) => {
				if (kind === null || kind === "flow" || kind === "served") this.onFlowsWanted();
			},
			(error) => this.fail(error),
		);
	}

	end(): void {
		this.onClosed();
		this.emitter.end();
	}

	fail(error: unknown): void {
		const event = errorOf(error);
		if (this.errors.length < KEPT_ERRORS) this.errors.push(event);
		this.emitter.emit("error", event);
	}

	get listeners(): Pick<TrafficSetup, "report" | "log" | "onEvent" | "onMiss" | "onServed"> {
		const { emitter } = this;
		return {
			report: (...trouble) => this.#report(...trouble),
			log: (level, message) => {
				if (level === "warning") emitter.emit("warning", message);
			},
			onMiss: (miss) => emitter.emit("miss", miss),
			onServed: (served) => emitter.emit("served", served),
			onEvent: (event) => {
				if (event.kind === "flow") emitter.emit("flow", event.flow);
				else if (event.kind === "egress") emitter.emit("egress", { destination: event.destination });
				else if (event.kind === "hook_error" || event.kind === "sink_error") this.fail(event.error);
				else if (event.kind === "client_error") emitter.emit("warning", `${event.client}: ${event.message}`);
				else if (event.kind === "left_out") emitter.emit("warning", leftOutText(event));
			},
		};
	}

	/** The report for programs. */
	reportOf({ recorded, lost, replay, egress, own, noise }: LiveReport): RunReport {
		const { served = 0, missed = 0, unused = 0 } = replay ?? {};
		return { recorded, lost, served, missed, unused, egress, own, noise, errors: this.errors };
	}

	#report(...[code, message, detail]: Parameters<TroubleLog["report"]>): void {
		try {
			this.#troubles.report(code, message, detail);
		} catch (error) {
			if (!this.isStarted) throw error;
			this.fail(error);
		}
	}
}
