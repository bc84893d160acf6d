// Compares new responses with the recorded ones, prints the differences, and collects them for the JUnit report.
import type { FlowChange } from "../../api/diff.ts";
import { answerDifferences } from "../../src/compare/differences.ts";
import { compileIgnore, type IsIgnored, options as ignoreOptions } from "../../src/compare/ignore.ts";
import type { Flow, HttpFlow } from "../../src/flow/flow.ts";
import { jsonText } from "../../src/flow/json-text.ts";
import type { OptionTable, OptionValues } from "../../src/options.ts";
import type { Io } from "../cli/command.ts";
import { changeJson, changeText, differenceText } from "../print/differences.ts";
import { type JunitCase, junitXml } from "../print/junit.ts";
import { prepareReport, writeReport } from "../print/report-file.ts";
import { counted, type Paint, paintFor } from "../print/text.ts";

export const options = {
	compare: {
		type: "boolean",
		default: false,
		help: "Compare each new answer with the recorded one: status, headers and body. Print what differs, and end with status 1 if anything does.",
	},
	...ignoreOptions,
	junit: {
		type: "string",
		default: null,
		metavar: "FILE",
		help: "With --compare: write a JUnit report to this file, with a test case for each request.",
	},
} as const satisfies OptionTable;

export class Comparison {
	/** Number of responses that differ. */
	differing = 0;
	readonly #isIgnored: IsIgnored;
	readonly #junit: string | null;
	readonly #cases: JunitCase[] = [];
	readonly #print: (change: FlowChange) => void;

	/**
	 * @param tapes the tapes of the run, which the report must not overwrite
	 * @throws FlowtapeError FT_BAD_OPTION, FT_IO, FT_USAGE
	 */
	constructor(
		{ ignore, junit, json, color }: OptionValues<typeof options> & { json: boolean; color: boolean },
		{ stdout, env }: Io,
		tapes: readonly string[],
	) {
		this.#isIgnored = compileIgnore(ignore);
		this.#junit = junit === null ? null : prepareReport(junit, tapes);
		const paint: Paint = paintFor(stdout, env, color);
		this.#print = (change) =>
			stdout.write(json ? `${jsonText({ event: "difference", ...changeJson(change) })}\n` : changeText(change, paint));
	}

	/** Compares a new response, or the failure to get one, with the recorded one. */
	compare(before: HttpFlow, flow: HttpFlow): void {
		const differences = answerDifferences(before, flow, this.#isIgnored);
		if (differences.length === 0) {
			this.#note(before, {});
			return;
		}
		this.differing++;
		this.#print({ kind: "changed", flow, before, differences });
		this.#note(before, {
			failure: {
				message: counted(differences.length, "difference"),
				text: differences.map((difference) => `${differenceText(difference)}\n`).join(""),
			},
		});
	}

	/** Notes a flow whose request is not sent. */
	skip(flow: Flow, why: string): void {
		this.#note(flow, { skipped: why });
	}

	/** Writes the report if one was requested. @throws FlowtapeError FT_IO */
	async end(): Promise<void> {
		if (this.#junit !== null) await writeReport(this.#junit, junitXml("compare", this.#cases));
	}

	#note(flow: Flow, outcome: Omit<JunitCase, "name">): void {
		if (this.#junit === null) return;
		const name = flow.type === "http" ? `${flow.request.method} ${flow.request.prettyUrl}` : `${flow.type} ${flow.id}`;
		this.#cases.push({ name, ...outcome });
	}
}
