// Formats the changes of a rewrite to a flow as a unified diff of `show`'s output.
import { bodyBytes } from "../../src/flow/body.ts";
import type { Flow } from "../../src/flow/flow.ts";
import type { Message } from "../../src/flow/message.ts";
import { printableLine } from "../../src/views/printable.ts";
import { flowFull } from "./flow-full.ts";
import { type Paint, plain, type Style } from "./text.ts";

/** The text of a flow, to compare with its text after the change. */
export function describe(flow: Flow): string {
	return flowFull(flow, plain);
}

/**
 * Everything that rules can change in a flow, to compare with its state after the change; costs a tenth of `describe`.
 */
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

/** Unchanged lines around each change. */
const CONTEXT_LINES = 1;
/** Comparison takes quadratic time if bodies have no common lines; after this time, they are shown as replaced. */
const LIMIT_MS = 500;

/** The diff of two descriptions, with a header that names the flow; empty if they are equal. */
export async function changes(id: string, before: string, after: string, paint: Paint): Promise<string> {
	if (before === after) return "";
	const { structuredPatch } = await import("diff");
	const patch = structuredPatch(id, id, before, after, undefined, undefined, {
		context: CONTEXT_LINES,
		timeout: LIMIT_MS,
	});
	const lines =
		patch === undefined
			? [...marked("-", before), ...marked("+", after)]
			: patch.hunks.flatMap(({ lines }) => ["@@", ...lines]);
	return `${paint(`--- ${printableLine(id)}`, "bold")}\n${lines.map((line) => `${coloured(line, paint)}\n`).join("")}`;
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
