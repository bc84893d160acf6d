// Differences between recordings as people and programs read them.
import type { Difference } from "../../src/compare/differences.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";
import { printableLine } from "../../src/views/printable.ts";
import type { Paint } from "./text.ts";

/** What became of a flow from one recording to the next. */
export type Change = { kind: "changed"; flow: HttpFlow; before: HttpFlow; differences: readonly Difference[] } | { kind: "gone" | "new"; flow: HttpFlow };

const MARKS = { changed: ["~", "yellow"], gone: ["-", "red"], new: ["+", "green"] } as const;

/** The flow, and a line for each difference. */
export function changeText(change: Change, paint: Paint): string {
	const [mark, style] = MARKS[change.kind];
	const { id, request } = change.flow;
	const head = `${paint(`${mark} ${printableLine(`${request.method} ${request.prettyUrl}`)}`, style)} ${paint(printableLine(id.slice(0, 8)), "dim")}\n`;
	return change.kind === "changed" ? head + change.differences.map((difference) => `    ${differenceText(difference)}\n`).join("") : head;
}

/** `response json /id: 1 → 2` */
export function differenceText({ side, part, name, before, after }: Difference): string {
	return printableLine(`${side} ${part}${name === null ? "" : ` ${name}`}: ${shortened(before)} → ${shortened(after)}`);
}

/** Characters of a value that are shown. */
const SHOWN = 200;

function shortened(value: string | null): string {
	if (value === null) return "(none)";
	return value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value;
}

export function changeJson(change: Change): object {
	const { kind, flow } = change;
	const where = { change: kind, id: flow.id, method: flow.request.method, url: flow.request.prettyUrl };
	return change.kind === "changed" ? { ...where, before: change.before.id, differences: change.differences } : where;
}

/** How many flows of each kind. */
export function tallyText(changes: readonly Change[], paired: number): string {
	const count = (kind: Change["kind"]) => changes.filter((change) => change.kind === kind).length;
	return `${count("changed")} changed, ${count("gone")} gone, ${count("new")} new, ${paired - count("changed")} the same\n`;
}
