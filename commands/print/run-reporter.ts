// What a proxy command says while it runs: lines for people on stderr, or with --json an object a line on stdout.

import type { LiveReport } from "../../api/live.ts";
import { leftOutText } from "../../api/proxy.ts";
import { type ErrorCode, type ErrorDetail, FlowtapeError } from "../../src/errors.ts";
import { jsonText } from "../../src/flow/json-text.ts";
import { formatAuthority } from "../../src/flow/url.ts";
import type { Miss } from "../../src/hooks/context.ts";
import type { ProxyEvent } from "../../src/proxy/context/context.ts";
import { nearData } from "../../src/replay/explain/miss-text.ts";
import { printable, printableLine } from "../../src/views/printable.ts";
import type { Io } from "../cli/command.ts";
import { flowLine } from "./flow-line.ts";
import { plain } from "./text.ts";

export interface JournalOptions {
	json: boolean;
	/** Only where it listens, where nobody else could tell, and what went wrong with the tape. */
	quiet: boolean;
	/** A line for every flow. */
	verbose: boolean;
	/** A command runs, which knows the address. */
	hasChild: boolean;
}

/** How many fields that were left out are remembered. */
const LEFT_OUT_COUNT = 1000;

export class RunReporter {
	readonly #io: Io;
	readonly #options: JournalOptions;
	#status = 0;
	/** It was told that flows cannot be written. */
	#isLosing = false;
	/** The first line of --json says where it listens; until then, words go to stderr. */
	#isListening = false;
	/** What was told of fields left out: a recording that is asked for again and again is told of once. */
	readonly #leftOutOf = new Set<string>();

	constructor(io: Io, options: JournalOptions) {
		this.#io = io;
		this.#options = options;
	}

	/** What the troubles with tapes mean for the exit status; 0 without any. */
	get status(): number {
		return this.#status;
	}

	/** Whether flows are told of one by one. */
	get wantsFlows(): boolean {
		return this.#options.json || this.#options.verbose;
	}

	/** Trouble with a tape. */
	trouble(code: ErrorCode, message: string, detail: ErrorDetail = {}): void {
		this.#status ||= new FlowtapeError(code, message, detail).status;
		this.#say({ event: "error", code, message });
	}

	log(level: "info" | "warning", message: string): void {
		if (level === "warning" || this.#options.verbose) this.#tell({ event: level, message });
	}

	/** What a script says, or what is said of it; its errors are never kept quiet. */
	script(level: "info" | "warning" | "error", message: string): void {
		if (level === "error") this.#say({ event: "script_error", message });
		else this.#tell({ event: level, message });
	}

	miss({ explanation, nearest, ...miss }: Miss): void {
		if (this.#options.json) this.#print({ event: "miss", ...miss, explanation, nearest: nearest?.map(nearData) ?? null });
		else if (!this.#options.quiet) this.#line(printable(explanation.trimEnd()));
	}

	event(event: ProxyEvent): void {
		switch (event.kind) {
			case "listening": {
				const { host, port, mode } = event;
				this.#isListening = true;
				const isUsual = mode === "regular";
				if (this.#options.json) this.#print({ event: "listening", host, port, ...(isUsual ? {} : { mode }) });
				else if (!(this.#options.quiet && this.#options.hasChild))
					this.#line(`listening on http://${formatAuthority(host, port)}${isUsual ? "" : ` (${printableLine(mode)})`}`);
				break;
			}
			case "flow":
				if (this.#options.json) this.#print({ event: "flow", ...summary(event.flow) });
				else if (this.#options.verbose) this.#line(flowLine(event.flow, plain));
				break;
			case "client_error":
				this.#tell({ event: "client_error", message: event.message, client: event.client });
				break;
			case "upstream_error":
				this.#tell({ event: "upstream_error", message: event.message, destination: event.destination });
				break;
			case "left_out":
				this.#leftOut(event);
				break;
			case "hook_error":
				this.#tell({ event: "hook_error", phase: event.phase, message: wordsOf(event.error) });
				break;
			case "sink_error":
				this.#lose(event.error);
				break;
		}
	}

	#leftOut(event: Extract<ProxyEvent, { kind: "left_out" }>): void {
		const { field, of, url } = event;
		const message = leftOutText(event);
		if (this.#leftOutOf.has(message)) return;
		if (this.#leftOutOf.size < LEFT_OUT_COUNT) this.#leftOutOf.add(message);
		this.#tell({ event: "left_out", message, field, of, url });
	}

	/** The certificate to trust, of an authority that nobody knows yet. */
	authority(file: string): void {
		if (this.#options.json) this.#print({ event: "authority", file });
		else this.#line(`the certificate to trust is in ${printableLine(file)}`);
	}

	/** The last word. */
	end({ recorded, lost, replay, egress }: LiveReport, output: string | null): void {
		this.#tellOfLost(lost);
		const attempts = [...egress.values()].reduce((sum, count) => sum + count, 0);
		if (this.#options.json) {
			const reached = replay === null ? {} : { ...replay, egress: attempts, destinations: Object.fromEntries(egress) };
			this.#print({ event: "end", recorded, lost, ...reached });
		} else if (!this.#options.quiet) {
			if (output !== null) this.#line(`recorded ${recorded} ${recorded === 1 ? "flow" : "flows"} to ${printableLine(output)}`);
			if (replay === null) return;
			for (const [destination, count] of egress) this.#line(`reached out to ${printableLine(destination)}${count === 1 ? "" : `, ${count} times`}`);
			this.#line(`served ${replay.served}, missed ${replay.missed}, unused ${replay.unused}, egress ${attempts}`);
		}
	}

	/** The last word of a run whose counts are its own. */
	last(counts: { readonly lost: number; readonly [name: string]: number }, text: string): void {
		this.#tellOfLost(counts.lost);
		if (this.#options.json) this.#print({ event: "end", ...counts });
		else if (!this.#options.quiet) this.#line(text);
	}

	/** Never kept quiet. */
	#tellOfLost(lost: number): void {
		if (lost > 0) this.#line(`flowtape: ${lost === 1 ? "1 flow" : `${lost} flows`} could not be recorded and ${lost === 1 ? "is" : "are"} lost`);
	}

	/** Something could not be written: it is told of the first time. How many flows that costs shows in the end. */
	#lose(error: unknown): void {
		this.#status ||= error instanceof FlowtapeError ? error.status : 4;
		if (!this.#isLosing) this.#say({ event: "error", message: `${wordsOf(error)}; the traffic goes on, unrecorded` });
		this.#isLosing = true;
	}

	/** Unless nothing is to be said. */
	#tell(entry: { event: string; message: string; [key: string]: unknown }): void {
		if (!this.#options.quiet) this.#say(entry);
	}

	#say(entry: { event: string; message: string; [key: string]: unknown }): void {
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
		...{ id: flow.id, type: flow.type, method: request.method, url: request.prettyUrl, status: response?.statusCode ?? null },
		...(error === null ? {} : { error: error.message }),
	};
}

function wordsOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
