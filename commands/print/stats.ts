// Formats the report of `stats` as text.

import type { Count, Report, Slow } from "../../api/summary.ts";
import { printableLine } from "../../src/views/printable.ts";
import { isoTime, type Paint, shortSize, shortTime } from "./text.ts";

/** Lines, each with a line feed. */
export function statsText(report: Report, paint: Paint): string {
	const {
		flows,
		kinds,
		bytes,
		from,
		to,
		methods,
		statuses,
		hosts,
		sessions,
		contentTypes,
		slowest,
		errors,
		incomplete,
		replays,
	} = report;
	const title = (text: string) => `\n${paint(text, "bold")}\n`;
	const parts = [
		`${paint(String(flows), "bold")} flows: ${pairs(kinds)}${replays > 0 ? `; ${replays} replayed` : ""}${incomplete > 0 ? `; ${incomplete} incomplete` : ""}\n`,
		`bodies: ${shortSize(bytes.request)} sent, ${shortSize(bytes.response)} received\n`,
	];
	if (from !== null && to !== null)
		parts.push(`time: ${isoTime(from) ?? from} to ${isoTime(to) ?? to}, ${shortTime(to - from)}\n`);
	if (Object.keys(methods).length > 0) parts.push(`methods: ${pairs(methods)}\n`, `statuses: ${pairs(statuses)}\n`);
	if (hosts.length > 0) parts.push(title("Hosts"), ...hosts.map(countLine));
	if (sessions.length > 0) parts.push(title("Sessions"), ...sessions.map(countLine));
	if (contentTypes.length > 0) parts.push(title("Content types"), ...contentTypes.map(countLine));
	if (slowest.length > 0) parts.push(title("Slowest"), ...slowest.map(slowLine));
	if (errors.length > 0)
		parts.push(
			title("Errors"),
			...errors.map(({ name, flows: count }) => `${number(count)}  ${printableLine(name)}\n`),
		);
	return parts.join("");
}

function pairs(record: Readonly<Record<string, number>>): string {
	const list = Object.entries(record).sort(([, a], [, b]) => b - a);
	return list.map(([name, count]) => `${printableLine(name)} ${count}`).join(", ") || "none";
}

function countLine({ name, flows, bytes }: Count): string {
	return `${number(flows)} ${shortSize(bytes).padStart(6)}  ${printableLine(name)}\n`;
}

function slowLine({ id, method, url, status, seconds }: Slow): string {
	return `${shortTime(seconds).padStart(8)} ${status}  ${printableLine(`${method} ${url}`)}  ${printableLine(id.slice(0, 8))}\n`;
}

function number(count: number): string {
	return String(count).padStart(8);
}
