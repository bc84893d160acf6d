// Formats the parts that vary between two recordings as a configuration to review.

import type { NoiseReport, VaryingPart } from "../../src/replay/explain/learn.ts";
import { flagOf } from "../../src/replay/explain/miss-text.ts";
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
		if (first.option?.value === true || name === "server_replay_match_content")
			lines.push(`${name}: ${first.option?.value} # ${reason(first)}`);
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
export function noiseData(lesson: NoiseReport): object {
	const options: Record<string, unknown> = {};
	for (const [name, values] of byOption(lesson.findings.filter(isNoise))) {
		const value = values[0]?.option?.value;
		options[name] =
			value === true || name === "server_replay_match_content" ? value : values.map(({ option }) => option?.value);
	}
	return { options, ...lesson };
}

function isNoise({ kind, option }: VaryingPart): boolean {
	return kind !== null && option !== null;
}

function byOption(findings: readonly VaryingPart[]): Map<string, VaryingPart[]> {
	const groups = new Map<string, VaryingPart[]>();
	for (const finding of findings)
		groups.set(finding.option?.name ?? "", [...(groups.get(finding.option?.name ?? "") ?? []), finding]);
	return groups;
}

function reason({ kind, differing, example }: VaryingPart): string {
	const values = example.values.map((value) => (value === null ? "nothing" : shortened(value)));
	return printableLine(`${kind}, differs in ${differing}: ${values.join(" and ")}`);
}

function intendedLine({ part, name, example, option }: VaryingPart): string {
	const values = example.values.map((value) => (value === null ? "nothing" : shortened(value)));
	const advice = option === null ? "" : ` (${flagOf(option)} would leave it out)`;
	return `#   ${printableLine(`${part}${name === null ? "" : ` ${name}`}: ${values.join(" and ")}, as in ${example.method} ${example.url}${advice}`)}`;
}

function shortened(value: string): string {
	return value.length > SHOWN ? `${value.slice(0, SHOWN / 2)}…` : value;
}
