// Formats the changes of a rewrite to a flow as a unified diff of `show`'s output.
import { createHash } from "node:crypto";
import { bodyBytes, bodyChunks, bodySize } from "../../src/flow/body.ts";
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
	if (flow.type === "dns") return describe(flow);
	const { error, marked, comment } = flow;
	if (flow.type !== "http") return JSON.stringify([digestOfMessages(flow.messages), error, marked, comment]);
	const { request, response, websocket } = flow;
	const { method, url, authority } = request;
	return JSON.stringify([
		method,
		url,
		authority,
		partsOf(request),
		response?.statusCode,
		response?.reason,
		response && partsOf(response),
		websocket && [digestOfMessages(websocket.messages), websocket.closeCode, websocket.closeReason],
		error,
		marked,
		comment,
	]);
}

/** Larger bodies are compared by their digests, in bytes: they would be too large for a string together. */
const LONG_BODY = 64 * 1024;

function partsOf({ headers, trailers, body }: Message): unknown[] {
	const isLong = (bodySize(body) ?? 0) > LONG_BODY;
	return [headers.fields, trailers?.fields, isLong ? digestOf(bodyChunks(body)) : bodyBytes(body)?.latin1Slice()];
}

function digestOf(pieces: Iterable<Uint8Array | string>): string {
	const hash = createHash("sha256");
	for (const piece of pieces) hash.update(piece);
	return hash.digest("base64");
}

interface ConversationMessage {
	readonly fromClient: boolean;
	readonly opcode?: number;
	readonly content: Buffer;
}

function digestOfMessages(messages: readonly ConversationMessage[]): string {
	return digestOf(
		messages.flatMap(({ fromClient, opcode, content }) => [`${fromClient} ${opcode} ${content.length} `, content]),
	);
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
