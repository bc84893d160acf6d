// Formats a run as a JUnit report for CI systems.
import type { Miss } from "../../src/hooks/context.ts";
import { printable } from "../../src/views/printable.ts";

/** A test case. */
export interface JunitCase {
	readonly name: string;
	/** A sentence, and the details. */
	readonly failure?: { readonly message: string; readonly text: string };
	/** Why the case was skipped. */
	readonly skipped?: string;
}

/** The XML of one test suite. */
export function junitXml(suite: string, cases: readonly JunitCase[]): string {
	const count = (kind: "failure" | "skipped") => cases.filter((one) => one[kind] !== undefined).length;
	return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
	<testsuite name="flowtape ${suite}" tests="${cases.length}" failures="${count("failure")}" errors="0" skipped="${count("skipped")}">
${cases.map((one) => caseXml(suite, one)).join("")}	</testsuite>
</testsuites>
`;
}

/**
 * A failed case for each miss in `misses`, one for all further misses, and one for each other failure of the run.
 * Without any of these, a single passed case.
 * @param missed the number of all misses, of which `misses` may be only the first
 */
export function missCases(
	misses: readonly Miss[],
	missed: number,
	failures: readonly { readonly kind: string; readonly message: string }[],
): JunitCase[] {
	const failed = (name: string, message: string, text = "") => ({ name, failure: { message, text } });
	const rest = missed - misses.length;
	const cases = [
		...misses.map(({ method, url, explanation }) => failed(`${method} ${url}`, "no recording", explanation)),
		...(rest > 0 ? [failed(`${rest} more requests`, "no recording")] : []),
		...failures.filter(({ kind }) => kind !== "miss").map(({ kind, message }) => failed(kind, message)),
	];
	return cases.length > 0 ? cases : [{ name: "every request has a recording" }];
}

function caseXml(suite: string, { name, failure, skipped }: JunitCase): string {
	const head = `\t\t<testcase classname="flowtape.${suite}" name="${escapeXml(name)}"`;
	const inside =
		failure !== undefined
			? `<failure message="${escapeXml(failure.message)}">${escapeXml(failure.text)}</failure>`
			: skipped !== undefined
				? `<skipped message="${escapeXml(skipped)}"/>`
				: null;
	return inside === null ? `${head}/>\n` : `${head}>\n\t\t\t${inside}\n\t\t</testcase>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Escapes text for XML 1.0, and replaces characters that it does not allow by U+FFFD. */
function escapeXml(text: string): string {
	const allowed = text
		.toWellFormed()
		.replace(/[&<>"]/g, (character) => ENTITIES[character] as string)
		.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
	return printable(allowed);
}
