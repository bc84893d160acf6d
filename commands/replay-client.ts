// `flowtape replay-client`: sends recorded requests again, through all the features of the proxy, and records the new answers.
import { closeAll } from "../api/copy-flows.ts";
import { type ReplayClientValues, startReplayClient } from "../api/replay-client.ts";
import { FlowtapeError } from "../src/errors.ts";
import { toByteString } from "../src/flow/bytes.ts";
import { endOf } from "../src/flow/ending.ts";
import type { Flow, HttpFlow } from "../src/flow/flow.ts";
import type { Request } from "../src/flow/message.ts";
import { formatAuthority, parseUrl } from "../src/flow/url.ts";
import { whyNotResendable } from "../src/proxy/replay-client.ts";
import { CarryOver } from "../src/replay/carry-over.ts";
import { options as scriptOptions } from "../src/scripts/options.ts";
import { defineCommand } from "./cli/command.ts";
import { clearing, Progress } from "./print/progress.ts";
import { RunReporter } from "./print/run-reporter.ts";
import { liveGroups } from "./proxy/run-proxy.ts";
import { Comparison, options as comparisonOptions } from "./replay-client/comparison.ts";
import { paced, parseSpeed } from "./replay-client/pace.ts";
import { inputOptions, openInputs, selection, selectionOptions, Troubles } from "./tapes/copy-flows.ts";

export const command = defineCommand({
	name: "replay-client",
	summary: "send recorded requests again",
	args: "TAPE…",
	arity: { min: 1 },
	options: {
		output: { type: "string", default: null, short: "o", metavar: "TAPE", help: "Record the new answers." },
		...selectionOptions,
		to: { type: "string", default: null, metavar: "URL", help: "Send everything to this server: scheme, host and port of a URL." },
		client_replay_concurrency: {
			type: "integer",
			default: 1,
			min: -1,
			flag: "concurrency",
			metavar: "N",
			help: "Requests under way at a time; -1: all at once. By default each waits for the answer before it.",
		},
		rate: { type: "integer", default: null, min: 1, metavar: "N", help: "At most so many requests a second." },
		speed: { type: "string", default: null, metavar: "2x", help: "Keep the recorded gaps between requests, so many times as fast." },
		timeout: { type: "integer", default: 60, min: 0, metavar: "SECONDS", help: "How long an answer may take; 0: as long as it takes." },
		correlate: {
			type: "boolean",
			default: false,
			help: "Carry values over that a new answer gives in headers or JSON where the recorded one gave another, as is always done with cookies.",
		},
		...comparisonOptions,
		server_replay: { type: "sequence", default: [], short: "S", metavar: "TAPE", help: "Answer from this tape what it has recordings for." },
		json: { type: "boolean", default: false, help: "Print one JSON object for each event on stdout." },
		...scriptOptions,
		...inputOptions,
	},
	groups: () => liveGroups("replay-client"),
	examples: [
		["flowtape replay-client session.tape", "send the requests again, one after the other"],
		["flowtape replay-client session.tape -o new.tape --to http://localhost:3000", "send them to a server of your own, and keep what it answers"],
		["flowtape replay-client session.tape --concurrency 8 --rate 100", "as load: eight at a time, at most a hundred a second"],
		["flowtape replay-client session.tape --compare --ignore header:etag", "test a server for regressions: status 1 when it answers otherwise than recorded"],
	],
	async run({ args: inputs, options, values, scripts }, terminal) {
		let progress: Progress | null = null;
		const io = clearing(terminal, () => progress?.clear());
		const journal = new RunReporter(io, { json: options.json, quiet: values.quiet === true, verbose: values.verbose === true, hasChild: true });
		const troubles = new Troubles(io, options);
		const comparison = options.compare ? new Comparison(options, { json: options.json, color: values.color === true }, io) : null;
		// a configuration file may have them for other commands
		if (comparison === null && (options.junit !== null || options.ignore.length > 0))
			journal.log("warning", "--junit and --ignore are for answers that are compared, which --compare asks for: there is no report");
		if (options.output === "-" && (options.json || options.compare))
			throw new FlowtapeError("FT_USAGE", "--json and --compare print to stdout, which cannot be the tape too");
		const filter = await selection(options);
		const redirect = redirection(options.to);
		const speed = parseSpeed(options.speed);
		const { client_replay_concurrency: concurrency, rate, timeout } = options;
		const sources = await openInputs({ inputs, filter }, troubles);
		if (values.quiet !== true) progress = new Progress(terminal.stderr, sources);
		if (scripts !== null) scripts.log = (level, message) => journal.script(level, message);
		const client = await startReplayClient({
			values: values as unknown as ReplayClientValues,
			output: options.output,
			scripts: scripts ?? undefined,
			recordings: options.server_replay,
			timeout,
			env: io.env,
			report: (code, message, detail) => journal.trouble(code, message, detail),
			log: (level, message) => journal.log(level, message),
			onEvent: (event) => journal.event(event),
			onMiss: (miss) => journal.miss(miss),
		});
		const carry = new CarryOver(options.correlate);
		const count = { sent: 0, failed: 0, skipped: 0 };
		const prepare = (request: Request) => {
			redirect(request);
			carry.apply(request);
		};
		const send = async (recorded: HttpFlow): Promise<void> => {
			const fresh = await client.send(recorded, prepare);
			count.sent++;
			if (fresh.error !== null && !(endOf(fresh) === "client" && endOf(recorded) === "client")) count.failed++;
			carry.learn(recorded, fresh);
			comparison?.judge(recorded, fresh);
			progress?.update(count.sent);
		};
		const skip = (flow: Flow, why: string): void => {
			count.skipped++;
			comparison?.skip(flow, why);
			journal.log("warning", `flow ${flow.id} is not sent: ${why}`);
		};
		const pace = { concurrency: concurrency < 1 ? Number.POSITIVE_INFINITY : concurrency, rate, speed };
		io.signal.addEventListener("abort", () => client.stop(), { once: true });
		await paced(fitting(sources, skip), pace, send, io.signal);
		progress?.clear();
		const { recorded, lost } = await client.close();
		await closeAll(sources);
		const told = comparison === null ? count : { ...count, differing: comparison.differing };
		const words = Object.entries(told).map(([kind, number]) => `${kind} ${number}`);
		journal.last({ ...told, recorded, lost }, words.join(", "));
		await comparison?.end();
		troubles.end(count.sent);
		return Math.max(troubles.status, journal.status) || (comparison !== null && comparison.differing > 0 ? 1 : 0);
	},
});

async function* fitting(sources: Iterable<AsyncIterable<Flow[]>>, skip: (flow: Flow, why: string) => void): AsyncGenerator<HttpFlow> {
	for (const source of sources)
		for await (const batch of source)
			for (const flow of batch) {
				const why = flow.type === "http" ? whyNotResendable(flow) : `it is ${flow.type}, not HTTP`;
				if (why !== null) skip(flow, why);
				else if (flow.type === "http") yield flow;
			}
}

/** Leads requests to another server; Host follows. @throws FlowtapeError FT_BAD_OPTION */
function redirection(to: string | null): (request: Request) => void {
	if (to === null) return () => {};
	try {
		const { scheme, host, port } = parseUrl(to);
		if (!/^https?$/.test(scheme)) throw new Error(`${scheme} is no HTTP`);
		const authority = formatAuthority(host, port, scheme);
		return (request) => {
			request.scheme = toByteString(scheme);
			request.host = host;
			request.port = port;
			request.headers.set("host", authority);
			if (request.authority !== "") request.authority = toByteString(authority);
		};
	} catch (cause) {
		throw new FlowtapeError("FT_BAD_OPTION", `"${to}" is no URL of a server, such as http://localhost:3000`, { option: "to", cause });
	}
}
