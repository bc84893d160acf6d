// Describes which recording answers a request, as text for people and as data for programs.
import { endOf, responseCut } from "../../flow/ending.ts";
import type { HttpFlow } from "../../flow/flow.ts";
import { isKept } from "../../flow/kept-body.ts";
import { printableLine } from "../../views/printable.ts";
import { originalRequest } from "../match/key.ts";
import type { Missed } from "./miss-text.ts";

/** Maximum number of equal recordings that are listed. */
const LISTED = 10;

/**
 * Some lines of text, each with a line feed.
 * @param equals all recordings with the same key, in order
 */
export function hitText(
	{ method, url }: Missed,
	id: string,
	equals: readonly HttpFlow[],
	{ compared, order }: { compared: string; order: string },
): string {
	const lines = [`${method} ${url} is answered by flow ${id.slice(0, 8)}`];
	lines.push(
		equals.length === 1 ? "the only recording that is equal:" : `${equals.length} recordings are equal, and ${order}:`,
	);
	for (const flow of equals.slice(0, LISTED)) {
		const request = originalRequest(flow);
		const status = statusText(flow);
		const session = flow.session === null ? "" : ` (session ${printableLine(flow.session)})`;
		lines.push(
			`${flow.id === id ? "→" : " "} ${flow.id.slice(0, 8)} ${request.method} ${request.prettyUrl} ${status}${session}`,
		);
	}
	if (equals.length > LISTED) lines.push(`  and ${equals.length - LISTED} more`);
	return `${[...lines, `compared: ${compared}`].map((line) => line.replace(/[\t\n]/g, " ")).join("\n")}\n`;
}

function statusText(flow: HttpFlow): string {
	const { response } = flow;
	if (response === null) return "no response, never answers";
	const status = `→ ${response.statusCode}`;
	if (!isKept(flow)) return `${status}, its body is not on the tape or damaged, never answers`;
	const cut = responseCut(flow);
	return cut === null
		? status
		: `${status}, incomplete: ${cut === "client" ? "the client closed it, so the replay keeps it open" : "it was cut off, and the replay cuts it off too"}`;
}

/** The same as data for JSON. */
export function hitData(request: Missed, id: string, equals: readonly HttpFlow[], compared: string): object {
	const summary = (flow: HttpFlow) => {
		const { method, prettyUrl: url } = originalRequest(flow);
		const status = flow.response?.statusCode ?? null;
		return { id: flow.id, method, url, status, ended: endOf(flow), session: flow.session };
	};
	return { answered: true, compared, request, recording: id, equal: equals.map(summary) };
}
