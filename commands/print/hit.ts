// Why a recording answers a request, in words and as data.
import { endOf } from "../../src/flow/ending.ts";
import { askedOf } from "../../src/replay/match/key.ts";
import type { Candidate } from "../../src/replay/recordings/index-of-tapes.ts";
import { isKept } from "../../src/replay/recordings/keyed-tape.ts";
import { printableLine } from "../../src/views/printable.ts";

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
		const request = askedOf(flow);
		const status = statusText(flow);
		lines.push(`${flow.id === id ? "→" : " "} ${flow.id.slice(0, 8)} ${request.method} ${request.prettyUrl} ${status}`);
	}
	if (equals.length > LISTED) lines.push(`  and ${equals.length - LISTED} more`);
	return `${[...lines, `compared: ${compared}`].map(printableLine).join("\n")}\n`;
}

function statusText(flow: Candidate["flow"]): string {
	const { response } = flow;
	if (response === null) return "no response, never answers";
	const status = `→ ${response.statusCode}`;
	if (!isKept(flow)) return `${status}, its body was not kept, never answers`;
	if (flow.error === null || flow.websocket !== null) return status;
	const notes = { server: "", client: ", unfinished: the client left it, and it is held open", cut: ", unfinished: it broke off, and does so again" };
	return `${status}${notes[endOf(flow) ?? "server"]}`;
}

export function hitData(request: Asked, id: string, equals: readonly Candidate[], compared: string): object {
	const facts = ({ flow }: Candidate) => {
		const { method, prettyUrl: url } = askedOf(flow);
		return { id: flow.id, method, url, status: flow.response?.statusCode ?? null, ended: endOf(flow) };
	};
	return { answered: true, compared, request, recording: id, equal: equals.map(facts) };
}
