// A run as a JUnit report: what most systems of continuous integration show.
import type { Miss } from "../../src/hooks/context.ts";
import { printable } from "../../src/views/printable.ts";

/** One thing that was tried. */
export interface JunitCase {
	readonly name: string;
	/** A sentence, and more of it for those who look closer. */
	readonly failure?: { readonly message: string; readonly text: string };
	/** Why it was not tried. */
	readonly skipped?: string;
}

/** One suite. */
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
 * A failed case for each miss that is kept, and for each other failure of the run; a single passed case where there is nothing.
 * @param missed all misses
 */
export function missCases(misses: readonly Miss[], missed: number, failures: readonly { readonly kind: string; readonly message: string }[]): JunitCase[] {
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

/** Characters that XML 1.0 does not allow are shown as what they are not. */
function escapeXml(text: string): string {
	const allowed = text
		.toWellFormed()
		.replace(/[&<>"]/g, (character) => ENTITIES[character] as string)
		.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
	return printable(allowed);
}
