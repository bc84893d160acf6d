// A flow on one line: what was asked, what came of it, how large and how long.
import { toText } from "../../src/flow/bytes.ts";
import type { DnsFlow, Flow, HttpFlow, TcpFlow, UdpFlow } from "../../src/flow/flow.ts";
import { printableLine } from "../../src/views/printable.ts";
import { type Paint, type Style, shortSize, shortTime } from "./text.ts";

/** Characters of an id that are shown; `show` takes as few as tell the flow from others. */
const ID_LENGTH = 8;

/** `a1b2c3d4 GET https://example.com/ 200 text/html 1.2k 34ms`, without a line feed. */
export function flowLine(flow: Flow, paint: Paint): string {
	const marks = [flow.marked === "" ? "" : "*", flow.isReplay === null ? "" : "↻"].join("");
	const parts = [paint(printableLine(flow.id.slice(0, ID_LENGTH)), "dim"), marks, ...partsOf(flow, paint)];
	if (flow.error !== null) parts.push(paint(printableLine(flow.error.message), "red"));
	if (flow.comment !== "") parts.push(paint(`# ${printableLine(flow.comment)}`, "dim"));
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
	const parts = [paint(printableLine(toText(request.method)), "bold"), printableLine(request.prettyUrl)];
	if (response === null) return parts;
	const type = response.headers.get("content-type")?.split(";")[0]?.trim() ?? "";
	const size = response.bodySize;
	parts.push(paint(String(response.statusCode), statusStyle(response.statusCode)), printableLine(type), size === null ? "(no body kept)" : shortSize(size));
	if (response.timestampEnd !== null && request.timestampStart > 0) parts.push(shortTime(Math.max(0, response.timestampEnd - request.timestampStart)));
	if (websocket !== null) parts.push(paint(`${websocket.messages.length} messages`, "cyan"));
	return parts;
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
	return [paint(flow.type.toUpperCase(), "bold"), printableLine(`${host}:${port}`), `${flow.messages.length} messages`, shortSize(size)];
}
