// What two recordings of a scenario teach, as a configuration to review.

import type { Finding, NoiseReport } from "../../src/replay/explain/learn.ts";
import { flagOf } from "../../src/replay/explain/miss-text.ts";
import { printableLine } from "../../src/views/printable.ts";

/** Characters of a value that are shown: enough to see what it is, not enough to use it. */
const SHOWN = 24;

/** A configuration file in YAML, its comments the reasons. */
export function lessonYaml({ compared, equal, alone, findings }: NoiseReport): string {
	const lines = [`# ${compared} pairs of requests compared, ${equal} are equal as they are. Review what follows before you use it.`];
	const [noise, meant] = [findings.filter(isNoise), findings.filter((finding) => !isNoise(finding))];
	for (const [name, values] of grouped(noise)) {
		const [first] = values;
		if (first === undefined) continue;
		if (first.option?.value === true || name === "server_replay_match_content") lines.push(`${name}: ${first.option?.value} # ${reason(first)}`);
		else lines.push(`${name}:`, ...values.map((finding) => `  - ${JSON.stringify(finding.option?.value)} # ${reason(finding)}`));
	}
	if (noise.length === 0) lines.push("# Nothing varies that looks like noise.");
	if (meant.length > 0) lines.push("#", "# These differ too, but look like something that is meant:", ...meant.map(meantLine));
	if (alone.length > 0) lines.push("#", "# Only in one of the recordings:", ...alone.map(({ method, url }) => `#   ${printableLine(`${method} ${url}`)}`));
	return `${lines.join("\n")}\n`;
}

/** For programs: the values of options, and what was found. */
export function lessonData(lesson: NoiseReport): object {
	const options: Record<string, unknown> = {};
	for (const [name, values] of grouped(lesson.findings.filter(isNoise))) {
		const value = values[0]?.option?.value;
		options[name] = value === true || name === "server_replay_match_content" ? value : values.map(({ option }) => option?.value);
	}
	return { options, ...lesson };
}

function isNoise({ kind, option }: Finding): boolean {
	return kind !== null && option !== null;
}

function grouped(findings: readonly Finding[]): Map<string, Finding[]> {
	const groups = new Map<string, Finding[]>();
	for (const finding of findings) groups.set(finding.option?.name ?? "", [...(groups.get(finding.option?.name ?? "") ?? []), finding]);
	return groups;
}

function reason({ kind, differing, example }: Finding): string {
	const values = example.values.map((value) => (value === null ? "nothing" : shortened(value)));
	return printableLine(`${kind}, differs in ${differing}: ${values.join(" and ")}`);
}

function meantLine({ part, name, example, option }: Finding): string {
	const values = example.values.map((value) => (value === null ? "nothing" : shortened(value)));
	const advice = option === null ? "" : ` (${flagOf(option)} would leave it out)`;
	return `#   ${printableLine(`${part}${name === null ? "" : ` ${name}`}: ${values.join(" and ")}, as in ${example.method} ${example.url}${advice}`)}`;
}

function shortened(value: string): string {
	return value.length > SHOWN ? `${value.slice(0, SHOWN / 2)}…` : value;
}
