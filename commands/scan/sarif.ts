// The findings of `flowtape scan` as SARIF 2.1.0 (OASIS), for code scanning services.
import { jsonText } from "../../src/flow/json-text.ts";
import type { Finding } from "../../src/redact/scanner.ts";
import type { Confidence } from "../../src/redact/span.ts";
import type { TapeFindings } from "./tape-findings.ts";

const SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json";

/** Name of the fingerprint in `partialFingerprints`; the baseline reads it. */
export const FINGERPRINT = "flowtapeSecret/v1";

/** Places of one result; services refuse larger files. */
const LOCATIONS_LIMIT = 100;

const LEVELS: Readonly<Record<Confidence, string>> = { high: "error", medium: "warning", low: "note" };

/** One run with a result for each secret of each tape. Results of the baseline are suppressed. */
export function scanSarif(tapes: readonly TapeFindings[]): string {
	const results = tapes.flatMap(({ tape, findings, known }) => [
		...findings.map((finding) => resultOf(tape, finding, false)),
		...known.map((finding) => resultOf(tape, finding, true)),
	]);
	const rules = [...new Set(results.map(({ ruleId }) => ruleId))].map((id) => ({
		id,
		shortDescription: { text: `A secret found by the rule ${id}` },
	}));
	const driver = { name: "flowtape", version: process.env.FLOWTAPE_VERSION ?? "0.0.0", rules };
	return `${jsonText({ $schema: SCHEMA, version: "2.1.0", runs: [{ tool: { driver }, results }] }, "\t")}\n`;
}

function resultOf(tape: string, finding: Finding, isSuppressed: boolean) {
	const { kind, rule, confidence, fingerprint, places, count } = finding;
	return {
		ruleId: rule,
		level: LEVELS[confidence],
		message: { text: `A secret (${kind}) in ${count} ${count === 1 ? "place" : "places"}` },
		// a tape has no lines, but services want one
		locations: places.slice(0, LOCATIONS_LIMIT).map(({ flow, where }) => ({
			physicalLocation: { artifactLocation: { uri: uriOf(tape) }, region: { startLine: 1 } },
			logicalLocations: [{ fullyQualifiedName: `flow/${flow}/${where.replaceAll(" ", "/")}` }],
		})),
		partialFingerprints: { [FINGERPRINT]: fingerprint },
		properties: { confidence },
		...(isSuppressed && { suppressions: [{ kind: "external", justification: "in the baseline" }] }),
	};
}

/** A relative reference; `-` is stdin. */
function uriOf(path: string): string {
	return path === "-" ? "stdin" : path.replaceAll("\\", "/").split("/").map(encodeURIComponent).join("/");
}
