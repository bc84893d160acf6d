// Reads the baseline of `flowtape scan`: the SARIF file of an earlier scan.
import { readFile } from "node:fs/promises";
import { FlowtapeError, hasErrno } from "../../src/errors.ts";
import { expandHome } from "../../src/options.ts";
import { FINGERPRINT } from "./sarif.ts";

interface SarifLog {
	runs?: { results?: { partialFingerprints?: Record<string, unknown> }[] }[];
}

/**
 * The fingerprints of all results.
 * @throws FlowtapeError FT_NOT_FOUND, FT_IO, FT_USAGE if it is not SARIF
 */
export async function readBaseline(given: string): Promise<Set<string>> {
	const path = expandHome(given);
	let text: string;
	try {
		text = await readFile(path, "utf8");
	} catch (cause) {
		const code = hasErrno(cause, "ENOENT") ? "FT_NOT_FOUND" : "FT_IO";
		throw new FlowtapeError(code, `${path}: the baseline cannot be read: ${(cause as Error).message}`, {
			file: path,
			cause,
		});
	}
	try {
		const { runs } = JSON.parse(text) as SarifLog;
		if (!Array.isArray(runs)) throw new TypeError("no list of runs");
		const results = runs.flatMap((run) => run.results ?? []);
		return new Set(results.map((result) => String(result.partialFingerprints?.[FINGERPRINT] ?? "")));
	} catch (cause) {
		throw new FlowtapeError("FT_USAGE", `${path}: expected SARIF, as scan --sarif writes it`, { file: path, cause });
	}
}
