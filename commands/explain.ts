// `flowtape explain`: explains which recording would answer a request, or why none does, and finds parts that vary
// between two recordings.
import type { Explanation } from "../api/explain.ts";
import { FlowtapeError } from "../src/errors.ts";
import type { HttpFlow } from "../src/flow/flow.ts";
import { jsonText } from "../src/flow/json-text.ts";
import { expandHome } from "../src/options.ts";
import { printable } from "../src/views/printable.ts";
import { defineCommand, type Io } from "./cli/command.ts";
import { Troubles } from "./tapes/copy-flows.ts";

const options = {
	request: {
		type: "string",
		default: null,
		short: "r",
		metavar: "WHAT",
		help: "The request to explain: a curl command in quotes; a URL; a file with a curl command or a request; a tape, or FILE#ID for one of its flows; or the id of a flow on the tapes.",
	},
	session: {
		type: "string",
		default: null,
		metavar: "NAME",
		help: "Explain the request as one of a client of this session.",
	},
	learn: {
		type: "boolean",
		default: false,
		help: "Compare two recordings of the same scenario, and print a configuration that ignores the parts that vary.",
	},
	json: { type: "boolean", default: false, help: "Print JSON." },
} as const;

export const command = defineCommand({
	name: "explain",
	summary: "explain which recording answers a request, or why none does",
	args: "TAPE…",
	arity: { min: 1 },
	options,
	async groups() {
		const { matchingOptions } = await import("../src/hooks/server-replay.ts");
		return [{ title: "Matching", table: matchingOptions, prefix: "server_replay_" }];
	},
	examples: [
		[
			"flowtape explain session.tape --request 'GET https://api.example.com/items?page=2'",
			"print the recording that answers, or the nearest ones and their differences",
		],
		[
			"flowtape explain session.tape --request \"curl -d '{}' https://api.example.com/items\" --ignore-json /id",
			"whether it would match with this option",
		],
		[
			"flowtape explain monday.tape tuesday.tape --learn > flowtape.config.yaml",
			"the fields that vary from run to run",
		],
	],
	async run({ args, values }, io) {
		const { request, learn, json } = values;
		const tapes = args.map((path) => expandHome(path));
		const troubles = new Troubles(io, { strict: false, quiet: values.quiet });
		if (learn && request !== null)
			throw new FlowtapeError("FT_USAGE", "explain: expected either --request WHAT or --learn, found both");
		if (learn) return learnFrom(tapes, json, troubles, io);
		if (request === null)
			throw new FlowtapeError("FT_USAGE", "explain: expected --request WHAT or --learn, found neither");
		const { requestFromArgument } = await import("./explain/request-argument.ts");
		const target = await requestFromArgument(request, tapes, troubles.report);
		const { openAllRecordings } = await import("../api/recordings.ts");
		const recordings = await openAllRecordings(
			tapes.map((path) => ({ path })),
			troubles.report,
		);
		const { explainAmong } = await import("../api/explain.ts");
		const explanation = await explainAmong(recordings, target, values);
		io.stdout.write(json ? `${jsonText(await explanationData(explanation))}\n` : printable(explanation.text));
		troubles.end(null);
		return troubles.status || (explanation.recording === null ? 1 : 0);
	},
});

async function explanationData({ request, recording, equal, nearest, compared }: Explanation): Promise<object> {
	if (recording !== null)
		return (await import("../src/replay/explain/hit-text.ts")).hitData(request, recording, equal, compared);
	const { missData } = await import("../src/replay/explain/miss-text.ts");
	return { answered: false, compared, ...missData(request, nearest) };
}

async function learnFrom(tapes: readonly string[], json: boolean, troubles: Troubles, io: Io): Promise<number> {
	const [first, second, ...more] = tapes;
	if (first === undefined || second === undefined || more.length > 0)
		throw new FlowtapeError(
			"FT_USAGE",
			`explain --learn: expected two tapes of the same scenario, found ${tapes.length}`,
		);
	const { learn } = await import("../src/replay/explain/learn.ts");
	const { noiseData, noiseYaml } = await import("./print/noise-report.ts");
	const report = learn(await httpFlows(first, troubles), await httpFlows(second, troubles));
	io.stdout.write(json ? `${jsonText(noiseData(report))}\n` : noiseYaml(report));
	troubles.end(null);
	return troubles.status;
}

async function httpFlows(path: string, { report }: Troubles): Promise<HttpFlow[]> {
	const { flowsIn } = await import("../api/source.ts");
	const flows: HttpFlow[] = [];
	for await (const flow of flowsIn(path, report)) if (flow.type === "http") flows.push(flow);
	return flows;
}
