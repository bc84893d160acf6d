// The findings of `flowtape scan` as text for people.
import { quoteInLine } from "../../src/export/shell.ts";
import { toByteString, toText } from "../../src/flow/bytes.ts";
import type { Finding, FindingPlace } from "../../src/redact/scanner.ts";
import { printableLine } from "../../src/views/printable.ts";
import type { TapeFindings } from "./tape-findings.ts";

/** Number of other flows that are listed. */
const LISTED = 5;

/** A paragraph for each secret, and a last line for each tape, unless `quiet` and without findings. */
export function scanText(tapes: readonly TapeFindings[], quiet: boolean): string {
	return tapes
		.map((one) => one.findings.map((finding) => findingText(one.tape, finding)).join("") + summaryText(one, quiet))
		.join("");
}

function findingText(tape: string, finding: Finding): string {
	const [first, ...others] = finding.places;
	if (first === undefined) return "";
	const also = others.length === 0 ? "" : `\n  also in ${placesText(others, finding.count - 1)}`;
	return `${printableLine(`${tape}: flow ${first.flow.slice(0, 8)} ${finding.label}`)}\n  ${printableLine(`${first.where}: ${describe(finding)}`)}${printableText(also)}\n`;
}

function printableText(text: string): string {
	return text.startsWith("\n") ? `\n${printableLine(text.slice(1))}` : text;
}

/** `token (eyJh…, 812 bytes, JWT, expires 2027-01-02; rule name.token)`. */
function describe({ kind, rule, preview, length, expires, confidence }: Finding): string {
	const parts = [
		...(preview === "" ? [] : [`${preview}…`]),
		`${length} ${length === 1 ? "byte" : "bytes"}`,
		...(expires === null ? [] : [`expires ${dateText(expires)}`]),
	];
	const certainty = confidence === "high" ? "" : `, ${confidence} confidence`;
	return `${kind} (${parts.join(", ")}; rule ${rule}${certainty})`;
}

function dateText(seconds: number): string {
	const date = new Date(seconds * 1000);
	return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().slice(0, 10);
}

/** Other places: within the same flow, and in others. */
function placesText(places: readonly FindingPlace[], count: number): string {
	const listed = places.slice(0, LISTED).map(({ number, where }) => `flow #${number} ${where}`);
	const rest = count - listed.length;
	return `${listed.join(", ")}${rest > 0 ? `, and ${rest} more` : ""}`;
}

function summaryText({ tape, flows, findings, known }: TapeFindings, quiet: boolean): string {
	if (quiet && findings.length === 0) return "";
	const places = findings.reduce((sum, { count }) => sum + count, 0);
	const suppressed = known.length === 0 ? "" : ` (${known.length} in the baseline)`;
	const counted = counts(findings.length, "secret");
	if (findings.length === 0) return `${printableLine(tape)}: no secrets in ${counts(flows, "flow")}${suppressed}\n`;
	const path = toText(quoteInLine(toByteString(tape)));
	return `${printableLine(tape)}: ${counted} in ${counts(places, "place")} of ${counts(flows, "flow")}${suppressed}. Remove: flowtape rewrite --redact --in-place ${printableLine(path)}\n`;
}

function counts(count: number, noun: string): string {
	return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
