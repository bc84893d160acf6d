// The findings of a tape, as all reports of `flowtape scan` receive them.
import type { Finding } from "../../src/redact/scanner.ts";

export interface TapeFindings {
	/** Path of the tape, as given. */
	readonly tape: string;
	/** Number of flows that were read. */
	readonly flows: number;
	/** New findings. */
	readonly findings: readonly Finding[];
	/** Findings that the baseline has. */
	readonly known: readonly Finding[];
}
