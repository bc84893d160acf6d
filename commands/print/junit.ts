// Misses as a JUnit report: what most systems of continuous integration show.
import type { Miss } from "../../src/hooks/context.ts";

/**
 * One suite: a failed case for each miss that is kept, and for each other failure of the run; a single passed case where there is nothing.
 * @param missed all misses
 */
export function junitXml(misses: readonly Miss[], missed: number, failures: readonly { readonly kind: string; readonly message: string }[]): string {
	const rest = missed - misses.length;
	const cases = [
		...misses.map(({ method, url, explanation }) => failedCase(`${method} ${url}`, "no recording", explanation)),
		...(rest > 0 ? [failedCase(`${rest} more requests`, "no recording", "")] : []),
		...failures.filter(({ kind }) => kind !== "miss").map(({ kind, message }) => failedCase(kind, message, "")),
	];
	const all = cases.length > 0 ? cases : [`\t\t<testcase classname="flowtape.replay" name="every request has a recording"/>\n`];
	return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
	<testsuite name="flowtape replay" tests="${all.length}" failures="${cases.length}" errors="0" skipped="0">
${all.join("")}	</testsuite>
</testsuites>
`;
}

function failedCase(name: string, message: string, text: string): string {
	return `\t\t<testcase classname="flowtape.replay" name="${escapeXml(name)}">
			<failure message="${escapeXml(message)}">${escapeXml(text)}</failure>
		</testcase>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Characters that XML 1.0 does not allow are shown as what they are not. */
function escapeXml(text: string): string {
	return text
		.toWellFormed()
		.replace(/[&<>"]/g, (character) => ENTITIES[character] as string)
		.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
}
