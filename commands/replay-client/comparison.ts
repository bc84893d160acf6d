// Whether requests that are sent again get the answers that were recorded: each pair is compared, told of, and kept for the report.

import { answerDifferences } from "../../src/compare/differences.ts";
import { compileIgnore, type IsIgnored, options as ignoreOptions } from "../../src/compare/ignore.ts";
import type { Flow, HttpFlow } from "../../src/flow/flow.ts";
import { jsonText } from "../../src/flow/json-text.ts";
import type { OptionTable, OptionValues } from "../../src/options.ts";
import type { Io } from "../cli/command.ts";
import { type Change, changeJson, changeText, differenceText } from "../print/differences.ts";
import { type JunitCase, junitXml } from "../print/junit.ts";
import { writeReport } from "../print/report-file.ts";
import { type Paint, paintFor } from "../print/text.ts";

export const options = {
	compare: {
		type: "boolean",
		default: false,
		help: "Compare status, headers and body of each new answer with the recorded one, print what differs, and end with status 1 if anything does.",
	},
	...ignoreOptions,
	junit: { type: "string", default: null, metavar: "FILE", help: "With --compare: write a JUnit report to this file, with a test case for each request." },
} as const satisfies OptionTable;

export class Comparison {
	/** Requests that were not answered as recorded. */
	differing = 0;
	readonly #isIgnored: IsIgnored;
	readonly #junit: string | null;
	readonly #cases: JunitCase[] = [];
	readonly #print: (change: Change) => void;

	/** @throws FlowtapeError FT_BAD_OPTION */
	constructor({ ignore, junit }: OptionValues<typeof options>, { json, color }: { json: boolean; color: boolean }, { stdout, env }: Io) {
		this.#isIgnored = compileIgnore(ignore);
		this.#junit = junit;
		const paint: Paint = paintFor(stdout, env, color);
		this.#print = (change) => stdout.write(json ? `${jsonText({ event: "difference", ...changeJson(change) })}\n` : changeText(change, paint));
	}

	/** Judges an answer, or the failure to get one. */
	judge(before: HttpFlow, flow: HttpFlow): void {
		const differences = answerDifferences(before, flow, this.#isIgnored);
		if (differences.length === 0) {
			this.#note(before, {});
			return;
		}
		this.differing++;
		this.#print({ kind: "changed", flow, before, differences });
		const message = differences.length === 1 ? "1 difference" : `${differences.length} differences`;
		this.#note(before, { failure: { message, text: differences.map((difference) => `${differenceText(difference)}\n`).join("") } });
	}

	/** A flow whose request is not sent. */
	skip(flow: Flow, why: string): void {
		this.#note(flow, { skipped: why });
	}

	/** Writes the report, if one is wanted. @throws FlowtapeError FT_IO */
	async end(): Promise<void> {
		if (this.#junit !== null) await writeReport(this.#junit, junitXml("compare", this.#cases));
	}

	#note(flow: Flow, outcome: Omit<JunitCase, "name">): void {
		if (this.#junit === null) return;
		const name = flow.type === "http" ? `${flow.request.method} ${flow.request.prettyUrl}` : `${flow.type} ${flow.id}`;
		this.#cases.push({ name, ...outcome });
	}
}
