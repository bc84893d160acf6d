// What a rewriting is made of, for the command and for programs: features and edits as steps, repetitions left out, order of time.
import { formatForWriting, type MoreFormats } from "../formats/index.ts";
import type { Reporter } from "../src/errors.ts";
import type { FlowSink, Step } from "../src/flow/pipe.ts";
import { createHooks, hookOptions, storedHookOptions } from "../src/hooks/builtin.ts";
import type { HookContext } from "../src/hooks/context.ts";
import { Pipeline } from "../src/hooks/pipeline.ts";
import { defaults, type OptionTable, type OptionValues } from "../src/options.ts";
import { defaultRequestKey } from "../src/replay/match/key.ts";
import { dedupe } from "../src/rewrite/dedupe.ts";
import { createEdits, options as editOptions } from "../src/rewrite/edits.ts";

/** What is done with all flows together. */
export const orderOptions = {
	sort: { type: "boolean", default: false, help: "Write flows in the order of their time." },
	dedupe: { type: "boolean", default: false, help: "Keep the first of flows with the same request and the same answer." },
} as const satisfies OptionTable;

/** Every option that says what is changed. */
export const rewriteOptions = { ...editOptions, ...storedHookOptions, ...orderOptions } as const satisfies OptionTable;

export type RewriteValues = OptionValues<typeof rewriteOptions>;

export interface RewriteContext extends Required<Pick<HookContext, "scripts">>, MoreFormats {
	/** Where the flows go; null: nowhere. */
	output: string | null;
	/** Name of the output's format; default: told by the extension. */
	format?: string | undefined;
	/** Told of every rule or option that changed a flow. */
	onChange: (rule: string) => void;
	/** Told what is worth knowing, such as a body that is left as it is. */
	log: (level: "info" | "warning", message: string) => void;
}

export interface Rewriting {
	/** What changes flows, in order. */
	readonly changes: readonly Step[];
	/** What leaves out repetitions, behind the changes. */
	readonly dedupes: readonly Step[];
	/** The output, behind what puts flows in the order of their time where that is wanted. Tells of what the output cannot keep. */
	through(sink: FlowSink, report: Reporter): Promise<FlowSink>;
	/** Releases what the features hold. */
	close(): Promise<void>;
}

const UNMARKED = "a dump does not say that its dates were moved, so that a second --refresh moves them again; a .tape, a HAR and JSON lines do";

/** @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_USAGE for an output of no format */
export async function prepareRewriting(values: RewriteValues, { output, format, formats, scripts, onChange, log }: RewriteContext): Promise<Rewriting> {
	const pipeline = new Pipeline(await createHooks({ ...defaults(hookOptions), ...values }, { log, onChange, scripts }));
	// mitmproxy's refreshing changes headers alone, and so does ours in a dump
	const isDump = output !== null && formatForWriting(output, format, formats).name === "mitm";
	const edits = createEdits(values, { now: Math.floor(Date.now() / 1000), marksRefresh: !isDump, onChange, log });
	return {
		changes: [...(pipeline.hooks.length > 0 ? [(flow: Parameters<Step>[0]) => pipeline.whole(flow)] : []), ...(edits === null ? [] : [edits])],
		dedupes: values.dedupe ? [dedupe(defaultRequestKey, () => onChange("dedupe"))] : [],
		async through(sink, report) {
			if (isDump && values.refresh !== null) report("FT_LOSS", `${output}: ${UNMARKED}`, { file: output });
			return values.sort ? (await import("../src/rewrite/sort.ts")).sortByTime(sink, report) : sink;
		},
		close: () => pipeline.close(),
	};
}
