// Why a recording answers a request, in words and as data.
import type { Candidate } from "../../src/replay/replay-index.ts";
import { printableLine } from "./text.ts";

interface Asked {
	readonly method: string;
	readonly url: string;
}

/** Equal recordings that are listed. */
const LISTED = 10;

/** @param equals all recordings with the same key, in order */
export function hitText({ method, url }: Asked, id: string, equals: readonly Candidate[], { compared, order }: { compared: string; order: string }): string {
	const lines = [`${method} ${url} is answered by flow ${id.slice(0, 8)}`];
	lines.push(equals.length === 1 ? "the only recording that is equal:" : `${equals.length} recordings are equal, and ${order}:`);
	for (const { flow } of equals.slice(0, LISTED)) {
		const { request, response } = flow;
		const status = response === null ? "no response, never answers" : `→ ${response.statusCode}`;
		lines.push(`${flow.id === id ? "→" : " "} ${flow.id.slice(0, 8)} ${request.method} ${request.prettyUrl} ${status}`);
	}
	if (equals.length > LISTED) lines.push(`  and ${equals.length - LISTED} more`);
	return `${[...lines, `compared: ${compared}`].map(printableLine).join("\n")}\n`;
}

export function hitData(request: Asked, id: string, equals: readonly Candidate[], compared: string): object {
	const facts = ({ flow }: Candidate) => ({ id: flow.id, method: flow.request.method, url: flow.request.prettyUrl, status: flow.response?.statusCode ?? null });
	return { answered: true, compared, request, recording: id, equal: equals.map(facts) };
}
