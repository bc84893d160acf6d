// The findings of `flowtape scan` as JSON lines.
import { jsonText } from "../../src/flow/json-text.ts";
import type { TapeFindings } from "./tape-findings.ts";

/** One object for each secret of each tape. */
export function scanJson(tapes: readonly TapeFindings[]): string {
	return tapes
		.flatMap(({ tape, findings }) => findings.map((finding) => `${jsonText({ tape, ...finding })}\n`))
		.join("");
}
