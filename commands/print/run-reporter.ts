// The output of a proxy command while it runs: text on stderr, or JSON lines on stdout with --json.

import type { LiveReport } from "../../api/live.ts";
import { leftOutText } from "../../api/run-events.ts";
import { type ErrorCode, type ErrorDetail, FlowtapeError, messageOf } from "../../src/errors.ts";
import { jsonText } from "../../src/flow/json-text.ts";
import { formatAuthority } from "../../src/flow/url.ts";
import type { Miss } from "../../src/hooks/context.ts";
import type { ProxyEvent } from "../../src/proxy/context/context.ts";
import { nearData } from "../../src/replay/explain/miss-text.ts";
import { printable, printableLine } from "../../src/views/printable.ts";
import type { Io } from "../cli/command.ts";
import { FlowLog } from "./flow-log.ts";
import { counted, paintFor } from "./text.ts";

export interface RunReporterOptions {
	json: boolean;
	/** Print only the address, if it is wanted, and problems with the tape. */
	quiet: boolean;
	/** Print more, and a line for every flow. */
	verbose: boolean;
	/** Whether a terminal gets a line for every flow without `verbose` too. */
	followsFlows?: boolean;
	color: boolean;
	/** Whether to print the proxy's address. */
	isAddressWanted: boolean;
}

/** How many messages about omitted header fields are remembered, to print each only once. */
const LEFT_OUT_COUNT = 1000;

export class RunReporter {
	readonly #io: Io;
	readonly #options: RunReporterOptions;
	/** null: flows get no lines. */
	readonly #log: FlowLog | null;
	#status = 0;
	/** Whether it was reported that flows cannot be written. */
	#hasSinkError = false;
	/** With --json, `listening` must be the first line on stdout; earlier messages go to stderr. */
	#isListening = false;
	/** Messages about omitted header fields that were printed. */
	readonly #leftOutOf = new Set<string>();

	constructor(io: Io, options: RunReporterOptions) {
		this.#io = io;
		this.#options = options;
		const { json, quiet, verbose, followsFlows = false, color } = options;
		this.#log =
			!json && !quiet && (verbose || (followsFlows && io.stderr.isTTY === true))
				? new FlowLog(io.stderr, paintFor(io.stderr, io.env, color))
				: null;
	}

	/** The exit status for problems with tapes; 0 if there were none. */
	get status(): number {
		return this.#status;
	}

	/** Whether it needs an event for every flow. */
	get wantsFlows(): boolean {
		return this.#options.json;
	}

	/** Whether responses from the cache get a line. */
	get reportsCached(): boolean {
		return this.#log !== null;
	}

	/** Reports a problem with a tape. */
	trouble(code: ErrorCode, message: string, detail: ErrorDetail = {}): void {
		this.#status ||= new FlowtapeError(code, message, detail).status;
		this.#report({ event: "error", code, message });
	}

	log(level: "info" | "warning", message: string): void {
		if (level === "warning" || this.#options.verbose) this.#reportUnlessQuiet({ event: level, message });
	}

	/** A message of a script or about it. Errors are printed even if `quiet`. */
	script(level: "info" | "warning" | "error", message: string): void {
		if (level === "error") this.#report({ event: "script_error", message });
		else this.#reportUnlessQuiet({ event: level, message });
	}

	miss({ explanation, nearest, ...miss }: Miss): void {
		if (this.#options.json)
			this.#print({ event: "miss", ...miss, explanation, nearest: nearest?.map(nearData) ?? null });
		else if (!this.#options.quiet) this.#line(printable(explanation.trimEnd()));
		this.#log?.miss(miss.id);
	}

	event(event: ProxyEvent): void {
		switch (event.kind) {
			case "listening": {
				const { host, port, mode } = event;
				this.#isListening = true;
				const isUsual = mode === "regular";
				if (this.#options.json) this.#print({ event: "listening", host, port, ...(isUsual ? {} : { mode }) });
				else if (this.#options.isAddressWanted)
					this.#line(`listening on http://${formatAuthority(host, port)}${isUsual ? "" : ` (${printableLine(mode)})`}`);
				break;
			}
			case "flow":
				if (this.#options.json) this.#print({ event: "flow", ...summary(event.flow) });
				else this.#log?.flow(event.flow);
				break;
			case "cached":
				this.#log?.cached(event.exchange);
				break;
			case "client_error":
				this.#reportUnlessQuiet({ event: "client_error", message: event.message, client: event.client });
				break;
			case "upstream_error":
				this.#reportUnlessQuiet({ event: "upstream_error", message: event.message, destination: event.destination });
				break;
			case "left_out":
				this.#leftOut(event);
				break;
			case "hook_error":
				this.#reportUnlessQuiet({ event: "hook_error", phase: event.phase, message: messageOf(event.error) });
				break;
			case "sink_error":
				this.#reportSinkError(event.error);
				break;
		}
	}

	#leftOut(event: Extract<ProxyEvent, { kind: "left_out" }>): void {
		const { field, of, url } = event;
		const message = leftOutText(event);
		if (this.#leftOutOf.has(message)) return;
		if (this.#leftOutOf.size < LEFT_OUT_COUNT) this.#leftOutOf.add(message);
		this.#reportUnlessQuiet({ event: "left_out", message, field, of, url });
	}

	/** Prints the path of the certificate of an ephemeral authority. */
	authority(file: string): void {
		if (this.#options.json) this.#print({ event: "authority", file });
		else this.#line(`the certificate to trust is in ${printableLine(file)}`);
	}

	/** Prints the counts at the end. */
	end({ recorded, lost, replay, egress, own, noise }: LiveReport, output: string | null): void {
		this.#log?.end();
		this.#reportLost(lost);
		const attempts = [...egress.values()].reduce((sum, count) => sum + count, 0);
		if (this.#options.json) {
			const reached = replay === null ? {} : { ...replay, egress: attempts, destinations: Object.fromEntries(egress) };
			this.#print({ event: "end", recorded, lost, ...reached, own, noise });
		} else if (!this.#options.quiet) {
			const counts =
				replay === null
					? []
					: [`served ${replay.served}`, `missed ${replay.missed}`, `unused ${replay.unused}`, `egress ${attempts}`];
			if (replay !== null)
				for (const [destination, count] of egress)
					this.#line(`egress to ${printableLine(destination)}${count === 1 ? "" : `, ${count} times`}`);
			if (output !== null) counts.push(`recorded ${counted(recorded, "flow")} to ${printableLine(output)}`);
			if (counts.length === 0) return;
			if (own > 0) counts.push(`own ${own}`);
			if (noise > 0) counts.push(`browser noise ${noise}`);
			this.#line(counts.join(", "));
		}
	}

	/** Prints other counts at the end. */
	endWithCounts(counts: { readonly lost: number; readonly [name: string]: number }, text: string): void {
		this.#log?.end();
		this.#reportLost(counts.lost);
		if (this.#options.json) this.#print({ event: "end", ...counts });
		else if (!this.#options.quiet) this.#line(text);
	}

	/** Printed even if `quiet`. */
	#reportLost(lost: number): void {
		if (lost > 0)
			this.#line(`flowtape: ${counted(lost, "flow")} could not be recorded and ${lost === 1 ? "is" : "are"} lost`);
	}

	/** Reports the first flow that could not be written. Their number is printed at the end. */
	#reportSinkError(error: unknown): void {
		this.#status ||= error instanceof FlowtapeError ? error.status : 4;
		if (!this.#hasSinkError)
			this.#report({ event: "error", message: `${messageOf(error)}; the traffic continues, but it is not recorded` });
		this.#hasSinkError = true;
	}

	/** Reports unless `quiet`. */
	#reportUnlessQuiet(entry: { event: string; message: string; [key: string]: unknown }): void {
		if (!this.#options.quiet) this.#report(entry);
	}

	#report(entry: { event: string; message: string; [key: string]: unknown }): void {
		if (this.#options.json && this.#isListening) this.#print(entry);
		else this.#line(`flowtape: ${printableLine(entry.message)}`);
	}

	#print(entry: object): void {
		this.#io.stdout.write(`${jsonText(entry)}\n`);
	}

	#line(text: string): void {
		this.#io.stderr.write(`${text}\n`);
	}
}

function summary(flow: Extract<ProxyEvent, { kind: "flow" }>["flow"]): object {
	if (flow.type !== "http") return { id: flow.id, type: flow.type };
	const { request, response, error } = flow;
	return {
		id: flow.id,
		type: flow.type,
		method: request.method,
		url: request.prettyUrl,
		status: response?.statusCode ?? null,
		...(error === null ? {} : { error: error.message }),
	};
}
