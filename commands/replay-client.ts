// `flowtape replay-client`: sends recorded requests again, with all features of the proxy, and records the new
// responses.
import { RuleUse } from "../api/rule-use.ts";
import { sendAgain, options as sendOptions } from "../api/send-again.ts";
import { FlowtapeError } from "../src/errors.ts";
import { options as scriptOptions } from "../src/scripts/options.ts";
import { defineCommand } from "./cli/command.ts";
import { clearingIo, Progress } from "./print/progress.ts";
import { RunReporter } from "./print/run-reporter.ts";
import { clientGroups } from "./proxy/run-proxy.ts";
import { Comparison, options as comparisonOptions } from "./replay-client/comparison.ts";
import { readByIds, selectByIds } from "./tapes/by-id.ts";
import { inputOptions, openInputs, selection, selectionOptions, Troubles } from "./tapes/copy-flows.ts";

export const command = defineCommand({
	name: "replay-client",
	summary: "send recorded requests again",
	args: "TAPE…",
	arity: { min: 1 },
	options: {
		output: { type: "string", default: null, short: "o", metavar: "TAPE", help: "Record the new answers." },
		id: {
			type: "sequence",
			default: [],
			metavar: "ID",
			help: "Send only flows whose id begins with ID. Can be repeated.",
		},
		...selectionOptions,
		...sendOptions,
		...comparisonOptions,
		server_replay: {
			type: "sequence",
			default: [],
			short: "S",
			metavar: "TAPE",
			help: "Answer requests from the recordings on this tape.",
		},
		json: { type: "boolean", default: false, help: "Print one JSON object for each event on stdout." },
		...scriptOptions,
		...inputOptions,
	},
	groups: clientGroups,
	examples: [
		["flowtape replay-client session.tape", "send the requests again, one after the other"],
		["flowtape replay-client session.tape --id 3f2a --id 91c0", "only these two flows"],
		[
			"flowtape replay-client session.tape -o new.tape --to http://localhost:3000",
			"send them to your own server, and record its responses",
		],
		[
			"flowtape replay-client session.tape --concurrency 8 --rate 100",
			"as load: eight at a time, at most a hundred a second",
		],
		[
			"flowtape replay-client session.tape --compare --ignore header:etag",
			"test a server for regressions: status 1 when it answers otherwise than recorded",
		],
	],
	async run({ args: inputs, values, scripts }, terminal) {
		let progress: Progress | null = null;
		const io = clearingIo(terminal, () => progress?.clear());
		const reporter = new RunReporter(io, { ...values, isAddressWanted: false });
		const troubles = new Troubles(io, { strict: values.strict });
		const { output } = values;
		const tapes = [...inputs, ...values.server_replay, ...(output === null ? [] : [output])];
		const comparison = values.compare ? new Comparison(values, io, tapes) : null;
		// only a warning, because a configuration file may set them for other commands
		if (comparison === null && (values.junit !== null || values.ignore.length > 0))
			reporter.log("warning", "--junit and --ignore need --compare: no report is written");
		if (output === "-" && (values.json || values.compare))
			throw new FlowtapeError("FT_USAGE", "--json and --compare print to stdout, which cannot be the tape too");
		const filter = await selection(values);
		const use = RuleUse.ofProxy(values, { answers: values.server_replay.length > 0 });
		let sent = 0;
		const { recorded, lost, ...count } = await sendAgain({
			values,
			output,
			scripts: scripts ?? undefined,
			recordings: values.server_replay,
			env: io.env,
			report: (code, message, detail) => reporter.trouble(code, message, detail),
			log: (level, message) => reporter.log(level, message),
			onEvent: (event) => reporter.event(event),
			onChange: (rule, option) => use.applied(rule, option),
			onApply: (rule, option) => use.applied(rule, option),
			onMiss: (miss) => reporter.miss(miss),
			async open() {
				const all = await openInputs({ inputs, filter, isConfidential: values.redact }, troubles);
				const sources =
					values.id.length === 0 ? all : [await readByIds(all, selectByIds(inputs.join(", "), values.id))];
				if (!values.quiet) progress = new Progress(terminal.stderr, sources);
				if (scripts !== null) scripts.log = (level, message) => reporter.script(level, message);
				return sources;
			},
			signal: io.signal,
			onSent(before, after, _hasFailed, redacted) {
				comparison?.compare(redacted(before), redacted(after));
				progress?.update(++sent);
			},
			onSkipped(flow, why, redacted) {
				comparison?.skip(redacted(flow), why);
				reporter.log("warning", `flow ${flow.id} is not sent: ${why}`);
			},
			onRead: () => progress?.clear(),
		});
		if (count.sent > 0) for (const text of use.unusedTexts) reporter.log("warning", text);
		const sendCounts = { sent: count.sent, failed: count.failed, skipped: count.skipped };
		const counts = comparison === null ? sendCounts : { ...sendCounts, differing: comparison.differing };
		const words = Object.entries(counts).map(([kind, number]) => `${kind} ${number}`);
		reporter.endWithCounts({ ...counts, recorded, lost }, words.join(", "));
		await comparison?.end();
		troubles.end(counts.sent);
		// with --compare, an exchange that also failed in the recording is not a difference
		const isNo = comparison === null ? count.failed > 0 && !io.signal.aborted : comparison.differing > 0;
		return Math.max(troubles.status, reporter.status) || (isNo ? 1 : 0);
	},
});
