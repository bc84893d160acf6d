// The note on a tape about the function of the option `redact` that it was recorded with.
import { createHash } from "node:crypto";
import type { Metadata } from "../../src/flow/metadata.ts";

const NOTE = "flowtape:redact-function";

/** What the instrumentation of Istanbul adds to a function, so that its text differs with and without coverage. */
const COUNTERS = /\/\*.*?\*\/|\bcov_\w+(?:\(\))?\.\w+\[\d+\](?:\[\d+\])?\+\+[,;]?/gs;

/** The note for a tape that is recorded with a function. @param text of the function */
export function redactNote(text: string): Metadata {
	return { [NOTE]: hashOf(text) };
}

/** Whether a tape was recorded with a function, and what a user should know about it. */
export interface RedactState {
	/** Whether the test's function also changes requests before they are matched. */
	readonly isApplied: boolean;
	/** null: nothing. */
	readonly warning: string | null;
}

/**
 * Compares the function of a test with that of its tape.
 * @param text of the test's function; null: it has none
 * @param notes of the tape
 * @param tape its name in the warning
 */
export function redactState(text: string | null, notes: Metadata, tape: string): RedactState {
	const recorded = notes[NOTE];
	if (recorded === undefined) return { isApplied: false, warning: null };
	if (text === null)
		return {
			isApplied: false,
			warning: `${tape} was recorded with a function for the option redact, and this test has none: requests that the function changed may have no recording`,
		};
	const isSame = recorded === hashOf(text);
	return {
		isApplied: true,
		warning: isSame
			? null
			: `the function of the option redact has changed since ${tape} was recorded: requests may have no recording. Record the tape again if they have none`,
	};
}

function hashOf(text: string): string {
	return createHash("sha256").update(text.replace(COUNTERS, "").replace(/\s+/g, "")).digest("hex").slice(0, 16);
}
