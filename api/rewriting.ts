// Prepares a rewrite for the command and for programs: features and edits as steps, deduplication and sorting.
import { formatForWriting, type MoreFormats } from "../formats/index.ts";
import type { Reporter } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { Metadata } from "../src/flow/metadata.ts";
import type { FlowSink, Step } from "../src/flow/pipe.ts";
import { createHooks, hookOptions, storedHookOptions } from "../src/hooks/builtin.ts";
import type { HookContext } from "../src/hooks/context.ts";
import { Pipeline } from "../src/hooks/pipeline.ts";
import { runRecorded } from "../src/hooks/recorded-sink.ts";
import { defaults, type OptionTable, type OptionValues } from "../src/options.ts";
import { options as redactionOptions } from "../src/redact/options.ts";
import { conditionsOf } from "../src/replay/match/conditions.ts";
import { defaultRequestKey, type FlowRequest, originalRequest } from "../src/replay/match/key.ts";
import { dedupe } from "../src/rewrite/dedupe.ts";
import { createEdits, options as editOptions } from "../src/rewrite/edits.ts";
import { createRedactor, UNNOTED } from "./redaction.ts";

/** Options that concern all flows together. */
export const orderOptions = {
	sort: { type: "boolean", default: false, help: "Sort flows by time." },
	dedupe: {
		type: "boolean",
		default: false,
		help: "Remove duplicates: of flows with equal requests and equal responses, keep the first one.",
	},
} as const satisfies OptionTable;

/** All options for changes. */
export const rewriteOptions = {
	...editOptions,
	...storedHookOptions,
	...redactionOptions,
	...orderOptions,
} as const satisfies OptionTable;

export type RewriteValues = OptionValues<typeof rewriteOptions>;

export interface RewriteContext extends Required<Pick<HookContext, "scripts">>, MoreFormats {
	/** The path of the output; null: there is none. */
	output: string | null;
	/** Name of the output's format; default: by the extension. */
	format?: string | undefined;
	/** Called with every rule or option that changed a flow, and with the option of a rule. */
	onChange: (rule: string, option?: string) => void;
	/**
	 * Called with each option that applied to a flow, although the flow may be as before. Options of redaction have rules:
	 * then it is called with each rule that applied, and its option.
	 */
	onApply?: ((rule: string, option?: string) => void) | undefined;
	/** The environment variables, for redaction. Default: none. */
	env?: NodeJS.ProcessEnv | undefined;
	/** Receives messages, for example about a body that could not be changed. */
	log: (level: "info" | "warning", message: string) => void;
}

export interface Rewriting {
	/** Steps that change flows, in order. */
	readonly changes: readonly Step[];
	/** Steps that drop duplicates, to run after the changes. */
	readonly dedupes: readonly Step[];
	/** Wraps the output in a sorting sink if flows are to be sorted. Reports what the output's format cannot keep. */
	through(sink: FlowSink, report: Reporter): Promise<FlowSink>;
	/**
	 * With redaction, reads a flow before any flow is changed, because a secret may stand in flows before the one that
	 * shows that it is a secret; null: not needed.
	 */
	readonly learn: ((flow: Flow) => void) | null;
	/** Notes on the output: the rules of redaction. */
	readonly notes: Metadata;
	/** Releases the resources of the features. */
	close(): Promise<void>;
}

const UNMARKED =
	"a dump does not record that its dates were refreshed, so a second --refresh moves them again; a .tape, a HAR and JSON lines record it";

/** @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_USAGE if the output's format is unknown */
export async function prepareRewriting(
	values: RewriteValues,
	{ output, format, formats, scripts, onChange, onApply, log, env = {} }: RewriteContext,
): Promise<Rewriting> {
	const hooks = await createHooks({ ...defaults(hookOptions), ...values }, { log, onChange, scripts });
	const pipeline = new Pipeline(hooks.filter(({ liveOnly }) => !liveOnly));
	const recorders = scripts.filter(({ recorded }) => recorded !== undefined);
	// mitmproxy does not store that it has refreshed a flow, so neither does flowtape in a dump
	const isDump = output !== null && formatForWriting(output, format, formats).name === "mitm";
	const edits = createEdits(values, {
		now: Math.floor(Date.now() / 1000),
		marksRefresh: !isDump,
		onChange,
		onApply,
		log,
	});
	const redactor = await createRedactor(values, env, {
		onRedact: (rule) => onChange(`redact ${rule}`),
		onLoss: (message) => log("warning", message),
		onApply,
	});
	const noted = redactor === null ? null : (await import("../src/redact/note.ts")).noteOfRules(values);
	return {
		notes: noted === null ? {} : Object.fromEntries([noted]),
		learn: redactor === null ? null : (flow) => redactor.learn(flow),
		changes: [
			...(pipeline.hooks.length > 0 ? [(flow: Parameters<Step>[0]) => pipeline.runStored(flow)] : []),
			...(edits === null ? [] : [edits]),
			...(recorders.length === 0
				? []
				: [
						async (flow: Flow) => {
							await runRecorded(recorders, flow);
							return flow;
						},
					]),
			// the last step, so that it sees what the others wrote
			...(redactor === null ? [] : [redactor.step]),
		],
		dedupes: values.dedupe ? [dedupe(conditionalKey, () => onChange("dedupe"))] : [],
		async through(sink, report) {
			if (isDump && values.refresh !== null) report("FT_LOSS", `${output}: ${UNMARKED}`, { file: output });
			if (redactor !== null && !sink.takesNotes && output !== null)
				report("FT_LOSS", `${output}: ${UNNOTED}`, { file: output });
			return values.sort ? (await import("../src/rewrite/sort.ts")).sortByTime(sink, report) : sink;
		},
		close: () => pipeline.close(),
	};
}

/**
 * The key of a request together with its range, its conditions and its CORS preflight headers, on which the response
 * depends.
 */
function conditionalKey(flow: FlowRequest): string {
	return `${defaultRequestKey(flow)} ${JSON.stringify(conditionsOf(originalRequest(flow)))}`;
}
