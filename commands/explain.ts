// `flowtape explain`: which recording would answer a request and why, or why none; and what varies between two recordings.

import { openRecordings, openTape } from "../formats/index.ts";
import { FlowtapeError } from "../src/errors.ts";
import { HttpFlow } from "../src/flow/flow.ts";
import { jsonText } from "../src/flow/json-text.ts";
import type { Request } from "../src/flow/message.ts";
import type { OptionValues } from "../src/options.ts";
import type { ReplayIndex } from "../src/replay/recordings/index-of-tapes.ts";
import { printable } from "../src/views/printable.ts";
import { defineCommand, type Io } from "./cli/command.ts";
import { Troubles } from "./tapes/copy-flows.ts";

const options = {
	request: {
		type: "string",
		default: null,
		short: "r",
		metavar: "WHAT",
		help: "What is asked for: a curl command in quotes, a URL, a file with a curl command, a request or a tape (FILE#ID for one flow of it), or the id of a flow on the tapes.",
	},
	learn: { type: "boolean", default: false, help: "Compare two recordings of the same scenario, and print a configuration that leaves out what varies." },
	json: { type: "boolean", default: false, help: "Print JSON." },
} as const;

export const command = defineCommand({
	name: "explain",
	summary: "which recording would answer a request and why, or why none",
	args: "TAPE…",
	arity: { min: 1 },
	options,
	async groups() {
		const { matchingOptions } = await import("../src/hooks/server-replay.ts");
		return [{ title: "Matching", table: matchingOptions, prefix: "server_replay_" }];
	},
	examples: [
		["flowtape explain session.tape --request 'GET https://api.example.com/items?page=2'", "the recording that answers, or the nearest ones and what differs"],
		["flowtape explain session.tape --request \"curl -d '{}' https://api.example.com/items\" --ignore-json /id", "whether it would match with this option"],
		["flowtape explain monday.tape tuesday.tape --learn > flowtape.config.yaml", "the fields that vary from run to run"],
	],
	async run({ args: tapes, options: { request, learn, json }, values }, io) {
		const troubles = new Troubles(io, { strict: false, quiet: values.quiet === true });
		if (learn && request !== null) throw new FlowtapeError("FT_USAGE", "explain: either --request WHAT or --learn was expected, not both");
		if (learn) return learnFrom(tapes, json, troubles, io);
		if (request === null) throw new FlowtapeError("FT_USAGE", "explain: of what? --request WHAT was expected, or --learn");
		const { askedRequest } = await import("./explain/asked-request.ts");
		const asked = await askedRequest(request, tapes, troubles.report);
		const { openIndex, matchingOptions } = await import("../src/hooks/server-replay.ts");
		const recordings = await Promise.all(tapes.map((path) => openRecordings(path, { report: troubles.report })));
		const index = await openIndex(values as unknown as OptionValues<typeof matchingOptions>, recordings);
		const isAnswered = await explain(asked, index, values, json, io);
		return troubles.status || (isAnswered ? 0 : 1);
	},
});

/** Prints which recording answers, or why none does; whether one does. */
async function explain(asked: Request, index: ReplayIndex, values: object, json: boolean, io: Io): Promise<boolean> {
	const { missData, missText } = await import("../src/replay/explain/miss-text.ts");
	const { NearMisses } = await import("../src/replay/explain/near-miss.ts");
	const { hitData, hitText } = await import("./print/hit.ts");
	const { orderText, rulesText } = await import("../src/replay/match/rules-text.ts");
	const what = { method: asked.method, url: asked.prettyUrl };
	const compared = rulesText(index.rules, values);
	const equals = index.equals(asked);
	const recording = index.take(flowOf(asked));
	if (recording !== null) {
		const order = orderText(index.order);
		io.stdout.write(json ? `${jsonText(hitData(what, recording.id, equals, compared))}\n` : hitText(what, recording.id, equals, { compared, order }));
		return true;
	}
	const nearest = await new NearMisses(index).to(asked, 5);
	io.stdout.write(
		json ? `${jsonText({ answered: false, compared, ...missData(what, nearest) })}\n` : printable(`${missText(what, nearest)}compared: ${compared}\n`),
	);
	return false;
}

function flowOf(request: Request): HttpFlow {
	const nobody = () => {
		throw new Error("a request that was never sent has no connection");
	};
	return new HttpFlow({ id: "", clientConn: nobody, serverConn: nobody, request });
}

async function learnFrom(tapes: readonly string[], json: boolean, troubles: Troubles, io: Io): Promise<number> {
	const [first, second, ...more] = tapes;
	if (first === undefined || second === undefined || more.length > 0)
		throw new FlowtapeError("FT_USAGE", `explain --learn: two tapes of the same scenario were expected, found ${tapes.length}`);
	const { learn } = await import("../src/replay/explain/learn.ts");
	const { lessonData, lessonYaml } = await import("./print/noise-report.ts");
	const lesson = learn(await httpFlows(first, troubles), await httpFlows(second, troubles));
	io.stdout.write(json ? `${jsonText(lessonData(lesson))}\n` : lessonYaml(lesson));
	return troubles.status;
}

async function httpFlows(path: string, { report }: Troubles): Promise<HttpFlow[]> {
	const flows: HttpFlow[] = [];
	for await (const batch of await openTape(path, { report })) for (const flow of batch) if (flow.type === "http") flows.push(flow);
	return flows;
}
