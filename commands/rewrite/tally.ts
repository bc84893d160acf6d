// What a rewriting did or would do: how often each rule applied, what changed, and whether doing it again would change more.
import { errorCodes } from "../../src/errors.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { FlowSink, ForwardingSink, type Step } from "../../src/flow/pipe.ts";
import { printableLine } from "../../src/views/printable.ts";
import type { Io } from "../cli/command.ts";
import { changes, describe, stateOf } from "../print/changes.ts";
import { type Paint, paintFor } from "../print/text.ts";

export interface TallyOptions {
	/** Print every change, as nothing is written. */
	shows: boolean;
	quiet: boolean;
	color: boolean;
	/** There are scripts: what they change nobody tells, and what they do twice may not be what they do once. */
	hasScripts?: boolean;
}

/** Changed flows on which the rules are tried once more while writing; a dry run tries them on all. */
const TRIED = 100;
/** Lines about bodies and files that are printed before the rest is only counted. */
const PRINTED = 20;

export class Tally {
	readonly #io: Io;
	readonly #options: TallyOptions;
	readonly #paint: Paint;
	readonly #counts = new Map<string, number>();
	#changed = 0;
	#dropped = 0;
	#tried = 0;
	#unstable = 0;
	#status = 0;
	#logged = 0;
	/** The rules run once more to see what they do: that counts for nothing. */
	#isTrial = false;
	/** Set by a rule since the flow at hand began. */
	#isTouched = false;

	constructor(io: Io, options: TallyOptions) {
		this.#io = io;
		this.#options = options;
		this.#paint = paintFor(io.stdout, io.env, options.color);
	}

	readonly onChange = (rule: string): void => {
		this.#isTouched = true;
		if (!this.#isTrial) this.#counts.set(rule, (this.#counts.get(rule) ?? 0) + 1);
	};

	readonly log = (_level: string, message: string): void => {
		if (this.#isTrial || this.#options.quiet) return;
		if (++this.#logged <= PRINTED) this.#io.stderr.write(`flowtape: ${printableLine(message)}\n`);
	};

	/** What a script says, or what is said of it. */
	readonly script = (level: string, message: string): void => {
		if (level !== "error" || this.#isTrial) this.log(level, message);
		else {
			this.#status = errorCodes.FT_SCRIPT.status;
			this.#io.stderr.write(`flowtape: ${printableLine(message)}\n`);
		}
	};

	/** Of a rewriting that failed for some flow: 0 where none did. */
	get status(): number {
		return this.#status;
	}

	/** Takes flows and keeps none. */
	readonly nowhere: FlowSink = FlowSink.of({ append() {} });

	/** The steps, watched. */
	around(steps: readonly Step[]): Step[] {
		return steps.length === 0 ? [] : [(flow) => this.#watch(flow, steps)];
	}

	async #watch(flow: Flow, steps: readonly Step[]): Promise<Flow | null> {
		const { shows, quiet, hasScripts } = this.#options;
		// where only counts are asked for, the words of a flow would cost several times what the rules do
		const inWords = !shows ? null : !quiet ? describe : hasScripts ? stateOf : null;
		const before = inWords?.(flow) ?? "";
		this.#isTouched = false;
		const after = await run(steps, flow);
		const text = after === null ? "" : (inWords?.(after) ?? "");
		if (after === null) this.#dropped++;
		else if (this.#isTouched || (hasScripts && (!shows || text !== before))) this.#changed++;
		if (!shows || quiet) return after;
		this.#io.stdout.write(await changes(flow.id, before, text, this.#paint));
		if (after !== null && before !== text && !this.#options.hasScripts) await this.#try(after, steps);
		return after;
	}

	/** A sink that tries the rules again on the first flows that were written: nobody needs these any more. */
	checking(sink: FlowSink, steps: readonly Step[]): FlowSink {
		if (steps.length === 0 || this.#options.hasScripts) return sink;
		return new TryingSink(sink, (flow) => (this.#isTouched && this.#tried < TRIED ? () => this.#try(flow, steps) : null));
	}

	async #try(flow: Flow, steps: readonly Step[]): Promise<void> {
		const before = stateOf(flow);
		this.#tried++;
		this.#isTrial = true;
		try {
			const again = await run(steps, flow);
			if (again === null || stateOf(again) !== before) this.#unstable++;
		} finally {
			this.#isTrial = false;
		}
	}

	/** The last word. */
	end(kept: number, verbose: boolean): void {
		const { shows, quiet } = this.#options;
		if (this.#logged > PRINTED) this.#line(`${this.#logged - PRINTED} more of that kind`);
		if (this.#unstable > 0)
			this.#line(`the rules change what they have changed: a second run would change ${this.#unstable} of the ${this.#tried} flows tried`);
		if (!shows && (quiet || !verbose)) return;
		const write = (text: string) => (shows ? this.#io.stdout : this.#io.stderr).write(text);
		for (const [rule, count] of this.#counts) write(`${String(count).padStart(8)}  ${printableLine(rule)}\n`);
		write(`${shows ? "would keep" : "kept"} ${kept} flows, change ${this.#changed}, drop ${this.#dropped}\n`);
	}

	#line(text: string): void {
		if (!this.#options.quiet) this.#io.stderr.write(`flowtape: ${text}\n`);
	}
}

/** Tries something on flows once they are stored. */
class TryingSink extends ForwardingSink {
	readonly #trialOf: (flow: Flow) => (() => Promise<void>) | null;

	constructor(sink: FlowSink, trialOf: (flow: Flow) => (() => Promise<void>) | null) {
		super(sink);
		this.#trialOf = trialOf;
	}

	override append(flow: Flow): void | Promise<void> {
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
