// Formats differences between recordings as text and as JSON.
import type { FlowChange } from "../../api/diff.ts";
import type { FlowDifference } from "../../src/compare/differences.ts";
import { printableLine } from "../../src/views/printable.ts";
import type { Paint } from "./text.ts";

const MARKS = { changed: ["~", "yellow"], gone: ["-", "red"], new: ["+", "green"] } as const;

/** A line for the flow, and a line for each difference. */
export function changeText(change: FlowChange, paint: Paint): string {
	const [mark, style] = MARKS[change.kind];
	const { id, request } = change.flow;
	const head = `${paint(`${mark} ${printableLine(`${request.method} ${request.prettyUrl}`)}`, style)} ${paint(printableLine(id.slice(0, 8)), "dim")}\n`;
	return change.kind === "changed"
		? head + change.differences.map((difference) => `    ${differenceText(difference)}\n`).join("")
		: head;
}

/** `response json /id: 1 → 2` */
export function differenceText({ side, part, name, before, after }: FlowDifference): string {
	return printableLine(`${side} ${part}${name === null ? "" : ` ${name}`}: ${shortened(before)} → ${shortened(after)}`);
}

/** Maximum number of characters shown of a value. */
const SHOWN = 200;

function shortened(value: string | null): string {
	if (value === null) return "(none)";
	return value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value;
}

export function changeJson(change: FlowChange): object {
	const { kind, flow } = change;
	const where = { change: kind, id: flow.id, method: flow.request.method, url: flow.request.prettyUrl };
	return change.kind === "changed" ? { ...where, before: change.before.id, differences: change.differences } : where;
}

/** The number of flows of each kind. */
export function countsText(changes: readonly FlowChange[], paired: number): string {
	const count = (kind: FlowChange["kind"]) => changes.filter((change) => change.kind === kind).length;
	return `${count("changed")} changed, ${count("gone")} gone, ${count("new")} new, ${paired - count("changed")} the same\n`;
}
