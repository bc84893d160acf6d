// Formats a flow in full: its messages with formatted bodies, and its connections.
import { toText } from "../../src/flow/bytes.ts";
import type { Address } from "../../src/flow/connection.ts";
import { startOf } from "../../src/flow/durations.ts";
import { incompleteParts } from "../../src/flow/ending.ts";
import type { DnsFlow, DnsMessage, Flow, HttpFlow, TcpFlow, UdpFlow } from "../../src/flow/flow.ts";
import type { Message, Request, Response } from "../../src/flow/message.ts";
import { bodyText } from "../../src/views/body.ts";
import { hexDump } from "../../src/views/bytes.ts";
import { printable, printableLine } from "../../src/views/printable.ts";
import { flowLine } from "./flow-line.ts";
import { isoTime, type Paint } from "./text.ts";

/** The flow's lines, each with a line feed. */
export function flowFull(flow: Flow, paint: Paint): string {
	const head = [
		`${flowLine(flow, paint)}\n`,
		detailLine("id", flow.id, paint),
		detailLine("started", isoTime(startOf(flow)) ?? "", paint),
		detailLine("session", flow.session ?? "", paint),
		...connectionLines(flow, paint),
	];
	for (const text of Object.values(incompleteParts(flow))) head.push(detailLine("ended", text, paint));
	return [...head, ...contentOf(flow, paint)].join("");
}

function contentOf(flow: Flow, paint: Paint): string[] {
	switch (flow.type) {
		case "http":
			return httpContent(flow, paint);
		case "dns":
			return dnsContent(flow, paint);
		default:
			return messagesOf(flow, paint);
	}
}

function httpContent({ request, response, websocket }: HttpFlow, paint: Paint): string[] {
	const parts = ["\n", message(requestLine(request), request, "yellow", paint)];
	if (response !== null) parts.push("\n", message(statusLine(response), response, "blue", paint));
	for (const { fromClient, opcode, content } of websocket?.messages ?? [])
		parts.push(
			paint(fromClient ? "→ " : "← ", "cyan"),
			opcode === 1 ? `${printable(content.toString("utf8"))}\n` : `\n${hexDump(content)}`,
		);
	if (websocket?.closeCode != null)
		parts.push(paint(`closed ${websocket.closeCode} ${printableLine(websocket.closeReason ?? "")}\n`, "dim"));
	return parts;
}

function requestLine(request: Request): string {
	return `${toText(request.method)} ${toText(request.path)} ${toText(request.httpVersion)}`;
}

function statusLine(response: Response): string {
	return `${toText(response.httpVersion)} ${response.statusCode} ${toText(response.reason)}`.trimEnd();
}

function message(first: string, message: Message, style: "yellow" | "blue", paint: Paint): string {
	const body = bodyText(message);
	const trailers = message.trailers === null ? "" : `\n${fields(message.trailers.fields, paint)}`;
	return `${paint(printableLine(first), style, "bold")}\n${fields(message.headers.fields, paint)}${body === "" ? "" : `\n${body}`}${trailers}`;
}

function fields(list: readonly string[], paint: Paint): string {
	let text = "";
	for (let i = 0; i + 1 < list.length; i += 2)
		text += `${paint(printableLine(toText(list[i] as string)), "cyan")}: ${printableLine(toText(list[i + 1] as string))}\n`;
	return text;
}

function dnsContent({ request, response }: DnsFlow, paint: Paint): string[] {
	const lines = (title: string, { questions, answers, authorities, additionals }: DnsMessage) => [
		paint(`\n${title}\n`, "bold"),
		...questions.map(({ name, type }) => `${printableLine(name)} type ${type}\n`),
		...[...answers, ...authorities, ...additionals].map(
			({ name, type, ttl, data }) => `${printableLine(name)} type ${type} ttl ${ttl} ${data.toString("hex")}\n`,
		),
	];
	return [...lines("query", request), ...(response === null ? [] : lines("response", response))];
}

function messagesOf({ messages }: TcpFlow | UdpFlow, paint: Paint): string[] {
	return messages.map(({ fromClient, content }) => `\n${paint(fromClient ? "→" : "←", "cyan")}\n${hexDump(content)}`);
}

function connectionLines({ clientConn, serverConn }: Flow, paint: Paint): string[] {
	const tls = [
		serverConn.tlsVersion,
		serverConn.cipher,
		serverConn.alpn === null ? null : toText(serverConn.alpn),
	].filter((part) => part !== null);
	return [
		detailLine("client", address(clientConn.peername), paint),
		detailLine("server", address(serverConn.peername ?? serverConn.address), paint),
		detailLine("tls", tls.join(" "), paint),
	];
}

function address(address: Address | null): string {
	return address === null ? "" : `${address[0]}:${address[1]}`;
}

function detailLine(name: string, value: string, paint: Paint): string {
	return value === "" ? "" : `${paint(name.padEnd(8), "dim")}${printableLine(value)}\n`;
}
