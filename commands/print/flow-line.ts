// Formats a flow on one line: request, response, size and duration.
import { toText } from "../../src/flow/bytes.ts";
import { parseMediaType } from "../../src/flow/content-type.ts";
import { incompleteParts } from "../../src/flow/ending.ts";
import type { DnsFlow, Flow, HttpFlow, TcpFlow, UdpFlow } from "../../src/flow/flow.ts";
import type { Response } from "../../src/flow/message.ts";
import { printableLine } from "../../src/views/printable.ts";
import { type Paint, type Style, shortSize, shortTime } from "./text.ts";

/** Characters shown of an id; commands accept any unique prefix. */
const ID_LENGTH = 8;
/** Marks flows that a recording answered, or that were sent again. */
const REPLAYED = "↻";

/** `a1b2c3d4 GET https://example.com/ 200 text/html 1.2k 34ms`, without a line feed. */
export function flowLine(flow: Flow, paint: Paint): string {
	return `${paint(printableLine(flow.id.slice(0, ID_LENGTH)), "dim")} ${flowText(flow, paint)}`;
}

/** The same without the id. */
export function flowText(flow: Flow, paint: Paint): string {
	const marks = [flow.marked === "" ? "" : "*", flow.isReplay === null ? "" : REPLAYED].join("");
	const parts = [marks, ...partsOf(flow, paint)];
	if (Object.keys(incompleteParts(flow)).length > 0) parts.push(paint("incomplete", "red"));
	if (flow.error !== null) parts.push(paint(printableLine(flow.error.message), "red"));
	if (flow.comment !== "") parts.push(paint(`# ${printableLine(flow.comment)}`, "dim"));
	return parts.filter((part) => part !== "").join(" ");
}

/** The same for a response that was replayed at once and has no flow. */
export function replayedText(method: string, url: string, response: Response, paint: Paint): string {
	const parts = [REPLAYED, ...requestParts(method, url, paint), ...responseParts(response, paint), shortTime(0)];
	return parts.filter((part) => part !== "").join(" ");
}

function partsOf(flow: Flow, paint: Paint): string[] {
	switch (flow.type) {
		case "http":
			return httpParts(flow, paint);
		case "dns":
			return dnsParts(flow, paint);
		default:
			return streamParts(flow, paint);
	}
}

function httpParts({ request, response, websocket }: HttpFlow, paint: Paint): string[] {
	const parts = requestParts(request.method, request.prettyUrl, paint);
	if (response === null) return parts;
	parts.push(...responseParts(response, paint));
	if (response.timestampEnd !== null && request.timestampStart > 0)
		parts.push(shortTime(Math.max(0, response.timestampEnd - request.timestampStart)));
	if (websocket !== null) parts.push(paint(`${websocket.messages.length} messages`, "cyan"));
	return parts;
}

function requestParts(method: string, url: string, paint: Paint): string[] {
	return [paint(printableLine(toText(method)), "bold"), printableLine(url)];
}

function responseParts({ headers, statusCode, bodySize: size }: Response, paint: Paint): string[] {
	return [
		paint(String(statusCode), statusStyle(statusCode)),
		printableLine(parseMediaType(headers.get("content-type")).essence),
		size === null ? "(no body kept)" : shortSize(size),
	];
}

function statusStyle(status: number): Style {
	if (status >= 500) return "red";
	if (status >= 400) return "yellow";
	return status >= 300 ? "cyan" : "green";
}

function dnsParts({ request, response }: DnsFlow, paint: Paint): string[] {
	const question = request.questions.map(({ name }) => printableLine(name)).join(", ");
	return [paint("DNS", "bold"), question, response === null ? "" : `${response.answers.length} answers`];
}

function streamParts(flow: TcpFlow | UdpFlow, paint: Paint): string[] {
	const [host = "?", port = 0] = flow.serverConn.address ?? flow.serverConn.peername ?? [];
	const size = flow.messages.reduce((sum, message) => sum + message.content.length, 0);
	return [
		paint(flow.type.toUpperCase(), "bold"),
		printableLine(`${host}:${port}`),
		`${flow.messages.length} messages`,
		shortSize(size),
	];
}
