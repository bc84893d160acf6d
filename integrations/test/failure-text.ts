// The message of a test that fails because of its tape.
import { relative } from "node:path";
import type { Miss, RecordMode } from "./options.ts";

/** Most lines of a list. */
const SHOWN = 20;

/** The test runners, and the command that runs one test file. */
const COMMANDS = {
	vitest: (file: string) => `npx vitest run ${file}`,
	jest: (file: string) => `npx jest ${file}`,
	node: (file: string) => `node --test ${file}`,
	tap: (file: string) => `npx tap ${file}`,
	playwright: (file: string) => `npx playwright test ${file}`,
} as const;

export type Runner = keyof typeof COMMANDS;

/** What the message names besides the problem. */
export interface FailureContext {
	/** The full name of the test. */
	readonly test: string;
	/** The path of the test file. */
	readonly file: string;
	/** The path of the tape. */
	readonly tape: string;
	/** Whether there was a tape. */
	readonly exists: boolean;
	/** null: unknown. */
	readonly runner: Runner | null;
}

/** The message for requests without a recording. */
export function missesText(misses: readonly Miss[], context: FailureContext): string {
	const count = misses.length === 1 ? "1 request has" : `${misses.length} requests have`;
	const explanations = misses.map(({ explanation }) => explanation.trimEnd());
	return [`${context.test}: ${count} no recording`, ...explanations, tapeLines(context)].join("\n\n");
}

/** The path of the tape, and how to record it. */
export function tapeLines(context: FailureContext): string {
	const { tape, exists } = context;
	return exists
		? `tape: ${relativePath(tape)}\nrecord what is missing: ${commandLine("new-episodes", context)}`
		: `tape: ${relativePath(tape)} (there is no such file)\nrecord it: ${commandLine("once", context)}`;
}

/** The message for recordings that never answered. */
export function unusedText(unused: readonly string[], context: FailureContext): string {
	const count = unused.length === 1 ? "1 recording was" : `${unused.length} recordings were`;
	return `${relativePath(context.file)}: ${count} never used\n${listOf(unused)}\n\ntape: ${relativePath(context.tape)}\nrecord everything again: ${commandLine("all", context)}`;
}

/** The warning for requests that were open when the tape was ejected. */
export function openText(open: readonly string[], test: string): string {
	const count = open.length === 1 ? "1 request was" : `${open.length} requests were`;
	return `${test}: ${count} open when the tape was ejected, after 500 ms:\n${listOf(open)}\nWait for the response, or close the connection, before the test ends`;
}

/** The warning for requests that were not recorded because they failed. */
export function failuresText(failures: ReadonlyMap<string, number>, tape: string): string {
	const reasons = [...failures].map(([reason, count]) => (count === 1 ? reason : `${reason} (${count} times)`));
	return `failed requests are not recorded to ${relativePath(tape)}; the option recordFailures keeps them:\n${listOf(reasons)}`;
}

/** The warning for a request after the tape was ejected. */
export function lateText(request: string, frames: string, test: string): string {
	return `${test}: a request was made after the tape was ejected, so it went to the network: ${request}\n${frames}\nWait for it before the test ends`;
}

/** The warning for functions that another tool has patched. */
export function replacedText(replaced: readonly string[]): string {
	return `another tool (nock, msw, an APM agent) patched ${replaced.join(", ")} while a tape was inserted; its requests may not have reached the tape. Start it before the tape is inserted`;
}

function listOf(texts: readonly string[]): string {
	const shown = texts.slice(0, SHOWN).map((text) => `  ${text}`);
	if (texts.length > SHOWN) shown.push(`  and ${texts.length - SHOWN} more`);
	return shown.join("\n");
}

function commandLine(mode: RecordMode, { runner, file }: FailureContext): string {
	return `FLOWTAPE_RECORD_MODE=${mode} ${runner === null ? "…" : COMMANDS[runner](relativePath(file))}`;
}

export function relativePath(path: string): string {
	return relative(process.cwd(), path);
}
