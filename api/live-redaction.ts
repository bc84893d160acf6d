// Redaction of what a proxy or a client replay records, and of the messages about it.
import { statSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { createTape, type Format, formatForWriting, type MoreFormats, openTape } from "../formats/index.ts";
import { FlowtapeError, messageOf, type Reporter } from "../src/errors.ts";
import { copyFlow } from "../src/flow/copy-flow.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { Metadata, MetaValue } from "../src/flow/metadata.ts";
import type { FlowSink } from "../src/flow/pipe.ts";
import type { HookContext } from "../src/hooks/context.ts";
import { defaults, type OptionValues } from "../src/options.ts";
import type { ProxyEvent } from "../src/proxy/server.ts";
import { isRedacted, NOTE, options } from "../src/redact/options.ts";
import type { RedactingSink } from "../src/redact/redacting-sink.ts";
import type { Redactor } from "../src/redact/redactor.ts";
import type { RecordedTape } from "../src/replay/recordings/index-of-tapes.ts";
import { createRedactor, UNNOTED } from "./redaction.ts";

export type RedactionOptionValues = OptionValues<typeof options>;

/** What is recorded, and by which options. */
export interface RedactionSetup {
	/** Options of redaction; default: their defaults. */
	values: Partial<RedactionOptionValues>;
	/** The tape that flows are appended to; null: none. */
	output: string | null;
	/** Name of the output's format; default: by the extension. */
	format?: string | null | undefined;
	/** Custom formats of the program. */
	formats?: readonly Format[] | undefined;
	/** The tape to which the output is added later; if it was redacted, the output is redacted too. Default: the output. */
	joins?: string | null;
	/** Tapes to answer from: paths, or tapes that are open already. */
	recordings: readonly (string | RecordedTape)[];
	/** The variables with the key of the placeholders, and with values that are secrets. Default: none. */
	env?: NodeJS.ProcessEnv;
	/** Receives warnings. */
	log?: NonNullable<HookContext["log"]>;
	/** Called with each rule of redaction that applied, and its option. */
	onApply?: ((rule: string, option: string) => void) | undefined;
}

interface Listeners extends Pick<HookContext, "log" | "onUnused"> {
	report: Reporter;
	onEvent?: (event: ProxyEvent) => void;
}

export class LiveRedaction {
	readonly redactor: Redactor;
	/** The notes on the tape to which flows are added, with the rules of this recording. */
	readonly notes: Metadata;
	readonly #setup: RedactionSetup;
	/** The notes on that tape before; null: there was none, or it was empty. */
	readonly #earlier: Metadata | null;
	#sink: RedactingSink | null = null;

	private constructor(redactor: Redactor, notes: Metadata, setup: RedactionSetup, earlier: Metadata | null) {
		this.redactor = redactor;
		this.notes = notes;
		this.#setup = setup;
		this.#earlier = earlier;
	}

	/**
	 * null: nothing is redacted, because the options do not ask for it and flows are added to no redacted tape.
	 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_PATTERN, FT_IO
	 */
	static async prepare(setup: RedactionSetup): Promise<LiveRedaction | null> {
		const { output, joins = output, env = {}, log, onApply } = setup;
		const given = { ...defaults(options), ...setup.values };
		const earlier = joins === null ? null : await notesOf(joins, setup);
		const isImplied = !given.redact && earlier !== null && isRedacted(earlier);
		const values = isImplied ? { ...given, redact: true } : given;
		const redactor = await createRedactor(values, env, {
			onLoss: (message) => log?.("warning", message),
			onApply,
			createsKey: output !== null,
		});
		if (redactor === null) return null;
		if (isImplied && output !== null)
			log?.("warning", `${joins} was redacted, so what is recorded now is redacted too`);
		const { newerVersion, noteOfRules, RULES_VERSION } = await import("../src/redact/note.ts");
		if (output !== null && newerVersion(earlier ?? {}) !== null)
			log?.(
				"warning",
				`${joins} was redacted by rules of version ${newerVersion(earlier ?? {})}; what is recorded now is redacted by those of version ${RULES_VERSION}: update flowtape`,
			);
		const [name, value] = noteOfRules(values, earlier ?? {});
		return new LiveRedaction(redactor, { ...earlier, [name]: value }, setup, earlier);
	}

	/** Redacts the flows that are written to the output. */
	async through(output: FlowSink): Promise<FlowSink> {
		const { RedactingSink } = await import("../src/redact/redacting-sink.ts");
		this.#note(output);
		await output.ready();
		this.#sink = new RedactingSink(output, this.redactor);
		return this.#sink;
	}

	#note(sink: FlowSink): void {
		const { output, joins = output, recordings, format, formats = [], log } = this.#setup;
		const earlier = this.#earlier;
		const note = this.notes[NOTE] as MetaValue;
		const isAddedTo = joins === output;
		if (earlier !== null && !isRedacted(earlier) && (isAddedTo || recordings.includes(joins ?? "")))
			log?.(
				"warning",
				`${joins} was not redacted: the flows that it has already keep their secrets; remove them with: flowtape rewrite --redact --in-place ${joins}`,
			);
		const isTape = output !== null && formatForWriting(output, format ?? undefined, formats).name === "tape";
		if (earlier === null || !isAddedTo || isTape) {
			if (sink.takesNotes) sink.note(NOTE, note);
			else log?.("warning", `${output}: ${UNNOTED}`);
		} else if (!isDeepStrictEqual(earlier[NOTE], note))
			log?.(
				"warning",
				`${output} keeps the rules by which it was redacted before: a replay does not know those of this recording`,
			);
	}

	/** A flow as it is recorded, or would be. */
	recorded(flow: Flow): Flow {
		const recorded = this.#sink?.copyOf(flow) ?? null;
		if (recorded !== null) return recorded;
		const copy = copyFlow(flow);
		this.redactor.redact(copy);
		return copy;
	}

	/**
	 * Replaces secrets that were recognized late in the output, if it could not be changed before, and reports them. Call
	 * it when the output is closed.
	 */
	async finish(report: Reporter): Promise<void> {
		const { corrected = 0, uncorrected = 0 } = this.#sink ?? {};
		const { output, log } = this.#setup;
		const flows = (count: number) => `${count} earlier ${count === 1 ? "flow" : "flows"}`;
		let replaced = corrected;
		try {
			if (uncorrected > 0 && output !== null) replaced += await this.#clean(output, report);
		} catch (error) {
			const why = `${flows(uncorrected)} may have secrets that were recognized later`;
			log?.("warning", `${output}: ${why}, and it cannot be written anew: ${messageOf(error)}`);
		}
		if (replaced > 0) log?.("warning", `secrets that were recognized later have been replaced in ${flows(replaced)}`);
	}

	/**
	 * Writes the output anew without the secrets that are known now. Returns the number of changed flows.
	 * @throws FlowtapeError FT_USAGE for stdout, FT_IO, and errors of reading the output
	 */
	async #clean(output: string, report: Reporter): Promise<number> {
		if (output === "-") throw new FlowtapeError("FT_USAGE", "it is stdout");
		const { format, formats } = this.#setup;
		const { copyFlows } = await import("./copy-flows.ts");
		let changed = 0;
		await copyFlows({
			sources: [await openTape(output, { report, formats })],
			steps: [
				(flow) => {
					if (this.redactor.redact(flow)) changed++;
					return flow;
				},
			],
			open: () => createTape(output, { format: format ?? undefined, formats, report }),
			report,
			// parts that cannot be read would be lost
			reportInput(code, message, detail) {
				throw new FlowtapeError(code, message, detail);
			},
		});
		return changed;
	}

	/** Callbacks that get messages and flows without secrets. */
	listeners({ log, report, onUnused, onEvent }: Listeners): Listeners {
		const text = (message: string) => this.redactor.text(message);
		return {
			...(log && { log: (level, message) => log(level, text(message)) }),
			report: (code, message, detail) => report(code, text(message), detail),
			...(onUnused && { onUnused: (summary) => onUnused({ ...summary, path: this.redactor.path(summary.path) }) }),
			...(onEvent && { onEvent: (event) => onEvent(this.#event(event)) }),
		};
	}

	#event(event: ProxyEvent): ProxyEvent {
		const { redactor } = this;
		const flowOf = (flow: Flow) => this.recorded(flow);
		switch (event.kind) {
			case "flow":
				return {
					kind: "flow",
					// most listeners only count flows
					get flow() {
						return flowOf(event.flow);
					},
				};
			case "cached":
				return { ...event, exchange: { ...event.exchange, url: redactor.text(event.exchange.url) } };
			case "noise":
			case "left_out":
				return { ...event, url: redactor.text(event.url) };
			case "client_error":
			case "upstream_error":
				return { ...event, message: redactor.text(event.message) };
			case "hook_error":
			case "sink_error":
				return { ...event, error: withMessage(event.error, (message) => redactor.text(message)) };
			default:
				return event;
		}
	}
}

/** The notes on a tape; null: there is none, or it is empty. Damage is found when the tape is opened for recording. */
async function notesOf(path: string, { formats }: MoreFormats): Promise<Metadata | null> {
	if (path === "-" || !(statSync(path, { throwIfNoEntry: false })?.size ?? 0)) return null;
	try {
		const source = await openTape(path, { report() {}, formats });
		try {
			return await source.notes();
		} finally {
			await source.close();
		}
	} catch {
		return {};
	}
}

function withMessage(error: unknown, change: (message: string) => string): unknown {
	if (error instanceof Error) error.message = change(error.message);
	return error;
}
