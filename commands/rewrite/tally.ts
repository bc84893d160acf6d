// Counts what a rewrite did or would do: how often each rule applied, what changed, and whether a second run would
// change more.
import { errorCodes } from "../../src/errors.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { FlowSink, ForwardingSink, type Step } from "../../src/flow/pipe.ts";
import type { MaybeAsync } from "../../src/maybe-async.ts";
import { printableLine } from "../../src/views/printable.ts";
import type { Io } from "../cli/command.ts";
import { changes, describe, stateOf } from "../print/changes.ts";
import { type Paint, paintFor } from "../print/text.ts";

export interface TallyOptions {
	/** Whether to print only counts, on stdout (dry run). */
	shows: boolean;
	/** Whether a dry run prints every change too. */
	details?: boolean;
	quiet: boolean;
	color: boolean;
	/** Whether there are scripts. They do not report their changes, and need not be idempotent. */
	hasScripts?: boolean;
}

/** Number of changed flows to which the rules are applied a second time; a dry run with details does this for all. */
const REPEATED = 100;
/** Maximum number of printed messages; the rest is counted. */
const PRINTED_MESSAGES = 20;

export class Tally {
	readonly #io: Io;
	readonly #options: TallyOptions;
	readonly #paint: Paint;
	readonly #counts = new Map<string, number>();
	#changed = 0;
	#dropped = 0;
	#repeated = 0;
	#unstable = 0;
	#status = 0;
	#logged = 0;
	/** Whether the rules are applied a second time, which is not counted. */
	#isRepeating = false;
	/** Whether a rule has changed the current flow. */
	#isTouched = false;

	constructor(io: Io, options: TallyOptions) {
		this.#io = io;
		this.#options = options;
		this.#paint = paintFor(io.stdout, io.env, options.color);
	}

	readonly onChange = (rule: string): void => {
		this.#isTouched = true;
		if (!this.#isRepeating) this.#counts.set(rule, (this.#counts.get(rule) ?? 0) + 1);
	};

	readonly log = (_level: string, message: string): void => {
		if (this.#isRepeating || this.#options.quiet) return;
		if (++this.#logged <= PRINTED_MESSAGES) this.#io.stderr.write(`flowtape: ${printableLine(message)}\n`);
	};

	/** A message of a script or about it. */
	readonly script = (level: string, message: string): void => {
		if (level !== "error" || this.#isRepeating) this.log(level, message);
		else {
			this.#status = errorCodes.FT_SCRIPT.status;
			this.#io.stderr.write(`flowtape: ${printableLine(message)}\n`);
		}
	};

	/** The exit status: not 0 if a script failed. */
	get status(): number {
		return this.#status;
	}

	/** A sink that drops all flows. */
	readonly nullSink: FlowSink = FlowSink.of({ append() {} });

	/** Wraps the steps to count and print their changes. */
	observe(steps: readonly Step[]): Step[] {
		return steps.length === 0 ? [] : [(flow) => this.#watch(flow, steps)];
	}

	async #watch(flow: Flow, steps: readonly Step[]): Promise<Flow | null> {
		const { shows, details = false, quiet, hasScripts = false } = this.#options;
		const isPrinted = shows && details && !quiet;
		// if only counts are needed, formatting a flow would cost several times as much as the rules
		const inWords = isPrinted ? describe : !shows ? null : hasScripts ? stateOf : null;
		const before = inWords?.(flow) ?? "";
		this.#isTouched = false;
		const after = await run(steps, flow);
		const text = after === null ? "" : (inWords?.(after) ?? "");
		if (after === null) this.#dropped++;
		else if (this.#isTouched || (hasScripts && (!shows || text !== before))) this.#changed++;
		if (isPrinted) this.#io.stdout.write(await changes(flow.id, before, text, this.#paint));
		if (!shows || quiet || hasScripts || after === null) return after;
		const isChanged = isPrinted ? before !== text : this.#isTouched && this.#repeated < REPEATED;
		if (isChanged) await this.#repeat(after, steps);
		return after;
	}

	/** Wraps a sink to apply the rules again to the first changed flows, after they were written. */
	withRepeatCheck(sink: FlowSink, steps: readonly Step[]): FlowSink {
		if (steps.length === 0 || this.#options.hasScripts) return sink;
		return new RepeatingSink(sink, (flow) =>
			this.#isTouched && this.#repeated < REPEATED ? () => this.#repeat(flow, steps) : null,
		);
	}

	async #repeat(flow: Flow, steps: readonly Step[]): Promise<void> {
		const before = stateOf(flow);
		this.#repeated++;
		this.#isRepeating = true;
		try {
			const again = await run(steps, flow);
			if (again === null || stateOf(again) !== before) this.#unstable++;
		} finally {
			this.#isRepeating = false;
		}
	}

	/** Prints the counts. */
	end(kept: number, verbose: boolean): void {
		const { shows, quiet } = this.#options;
		if (this.#logged > PRINTED_MESSAGES) this.#line(`${this.#logged - PRINTED_MESSAGES} more of this kind`);
		if (this.#unstable > 0)
			this.#line(
				`these rules are not idempotent: a second run would change ${this.#unstable} of the ${this.#repeated} flows tried`,
			);
		if (!shows && (quiet || !verbose)) return;
		const write = (text: string) => (shows ? this.#io.stdout : this.#io.stderr).write(text);
		for (const [rule, count] of this.#counts) write(`${String(count).padStart(8)}  ${printableLine(rule)}\n`);
		const [changed, dropped] = [this.#changed, this.#dropped];
		write(
			shows
				? `${changed} of ${kept + dropped} flows would change, ${dropped} would be dropped\n`
				: `kept ${kept} flows, change ${changed}, drop ${dropped}\n`,
		);
	}

	#line(text: string): void {
		if (!this.#options.quiet) this.#io.stderr.write(`flowtape: ${text}\n`);
	}
}

/** Runs a check on flows after they are written. */
class RepeatingSink extends ForwardingSink {
	readonly #trialOf: (flow: Flow) => (() => Promise<void>) | null;

	constructor(sink: FlowSink, trialOf: (flow: Flow) => (() => Promise<void>) | null) {
		super(sink);
		this.#trialOf = trialOf;
	}

	override append(flow: Flow): MaybeAsync {
		const attempt = this.#trialOf(flow);
		const wait = this.inner.append(flow);
		return attempt === null ? wait : Promise.resolve(wait).then(attempt);
	}
}

async function run(steps: readonly Step[], flow: Flow): Promise<Flow | null> {
	let current: Flow | null = flow;
	for (const step of steps) {
		if (current === null) return null;
		const next: Flow | null | Promise<Flow | null> = step(current);
		current = next instanceof Promise ? await next : next;
	}
	return current;
}
