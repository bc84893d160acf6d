// Formats the parts that vary between two recordings as a configuration to review.

import { groupBy } from "../../src/flow/group-by.ts";
import type { NoiseReport, VaryingPart } from "../../src/replay/explain/learn.ts";
import { flagOf } from "../../src/replay/explain/wording.ts";
import { printableLine } from "../../src/views/printable.ts";

/** Characters shown of a value: enough to recognize it, not enough to use a secret. */
const SHOWN = 24;

/** A configuration file in YAML, with reasons in comments. */
export function noiseYaml({ compared, equal, alone, findings }: NoiseReport): string {
	const lines = [
		`# ${compared} pairs of requests compared, ${equal} are equal. Review this configuration before you use it.`,
	];
	const [noise, meant] = [findings.filter(isNoise), findings.filter((finding) => !isNoise(finding))];
	for (const [name, values] of byOption(noise)) {
		const [first] = values;
		if (first === undefined) continue;
		if (isSingle(first)) lines.push(`${name}: ${first.option?.value} # ${reason(first)}`);
		else
			lines.push(
				`${name}:`,
				...values.map((finding) => `  - ${JSON.stringify(finding.option?.value)} # ${reason(finding)}`),
			);
	}
	if (noise.length === 0) lines.push("# No part that varies looks like noise.");
	if (meant.length > 0)
		lines.push("#", "# These differ too, but the difference looks intended:", ...meant.map(intendedLine));
	if (alone.length > 0)
		lines.push(
			"#",
			"# Only in one of the recordings:",
			...alone.map(({ method, url }) => `#   ${printableLine(`${method} ${url}`)}`),
		);
	return `${lines.join("\n")}\n`;
}

/** The same for programs: the values of options, and all findings. */
export function noiseData(report: NoiseReport): object {
	const options: Record<string, unknown> = {};
	for (const [name, findings] of byOption(report.findings.filter(isNoise))) {
		const values = findings.map(({ option }) => option?.value);
		options[name] = findings.some(isSingle) ? values[0] : values;
	}
	return { options, ...report };
}

function isNoise({ kind, option }: VaryingPart): boolean {
	return kind !== null && option !== null;
}

/** Whether the option has one value, not a list. */
function isSingle({ option }: VaryingPart): boolean {
	return option?.value === true || option?.name === "server_replay_match_content";
}

function byOption(findings: readonly VaryingPart[]): Map<string, VaryingPart[]> {
	return groupBy(findings, ({ option }) => option?.name ?? "");
}

function reason({ kind, differing, example }: VaryingPart): string {
	return printableLine(`${kind}, differs in ${differing}: ${valuesText(example)}`);
}

function intendedLine({ part, name, example, option }: VaryingPart): string {
	const advice = option === null ? "" : ` (${flagOf(option)} would leave it out)`;
	return `#   ${printableLine(`${part}${name === null ? "" : ` ${name}`}: ${valuesText(example)}, as in ${example.method} ${example.url}${advice}`)}`;
}

function valuesText({ values }: VaryingPart["example"]): string {
	return values.map((value) => (value === null ? "nothing" : shortened(value))).join(" and ");
}

function shortened(value: string): string {
	return value.length > SHOWN ? `${value.slice(0, SHOWN / 2)}…` : value;
}
