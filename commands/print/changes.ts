// What a rewriting would change of a flow: the lines of `show`, before and after, as a unified diff.
import { bodyBytes } from "../../src/flow/body.ts";
import type { Flow } from "../../src/flow/flow.ts";
import type { Message } from "../../src/flow/message.ts";
import { flowFull } from "./flow-full.ts";
import { type Paint, plain, type Style } from "./text.ts";

/** A flow in words, to be compared with itself later. */
export function describe(flow: Flow): string {
	return flowFull(flow, plain);
}

/** All that rules can change of a flow, to be compared with itself later: costs a tenth of its words. */
export function stateOf(flow: Flow): string {
	if (flow.type !== "http" || flow.websocket !== null) return describe(flow);
	const { request, response, error, marked, comment } = flow;
	const { method, url, authority } = request;
	return JSON.stringify([
		method,
		url,
		authority,
		partsOf(request),
		response?.statusCode,
		response?.reason,
		response && partsOf(response),
		error,
		marked,
		comment,
	]);
}

function partsOf({ headers, trailers, body }: Message): unknown[] {
	return [headers.fields, trailers?.fields, bodyBytes(body)?.latin1Slice()];
}

/** Lines that are the same, around those that are not. */
const CONTEXT_LINES = 1;
/** Bodies without a line in common take a square of their lines to compare; from here on they are shown as replaced. */
const LIMIT_MS = 500;

/** The diff of two descriptions, with a head that names the flow; empty where they are the same. */
export async function changes(id: string, before: string, after: string, paint: Paint): Promise<string> {
	if (before === after) return "";
	const { structuredPatch } = await import("diff");
	const patch = structuredPatch(id, id, before, after, undefined, undefined, { context: CONTEXT_LINES, timeout: LIMIT_MS });
	const lines = patch === undefined ? [...marked("-", before), ...marked("+", after)] : patch.hunks.flatMap(({ lines }) => ["@@", ...lines]);
	return `${paint(`--- ${id}`, "bold")}\n${lines.map((line) => `${coloured(line, paint)}\n`).join("")}`;
}

function marked(mark: string, text: string): string[] {
	return text
		.trimEnd()
		.split("\n")
		.map((line) => mark + line);
}

const STYLES: Readonly<Record<string, Style>> = { "-": "red", "+": "green", "@": "cyan" };

function coloured(line: string, paint: Paint): string {
	const style = STYLES[line[0] ?? ""];
	return style === undefined ? line : paint(line, style);
}
