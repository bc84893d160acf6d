// What of a flow the patterns of filters are searched in: content types, header lines, bodies, addresses, hosts, URLs, metadata.
import { domainToUnicode } from "node:url";
import { type ByteString, encodeText } from "../flow/bytes.ts";
import type { Address } from "../flow/connection.ts";
import type { DnsMessage, Flow, HttpFlow, StreamMessage } from "../flow/flow.ts";
import type { Headers } from "../flow/headers.ts";
import type { Message, Request } from "../flow/message.ts";
import { withoutFragment } from "../flow/url.ts";
import type { PythonRegex } from "../regex/python-regex.ts";
import { dnsText } from "./dns-text.ts";
import { pythonText } from "./python-text.ts";

type Passes = (value: ByteString) => boolean;

/** Whether the value of any Content-Type field passes. */
export function someContentType(message: Message | null, passes: Passes): boolean {
	if (message === null) return false;
	const { fields }: Headers = message.headers;
	for (let i = 0; i < fields.length; i += 2) {
		const name = fields[i] as ByteString;
		if (name.length === 12 && name.toLowerCase() === "content-type" && passes(fields[i + 1] as ByteString)) return true;
	}
	return false;
}

/** Whether the header lines pass, as one string that ends each with CR LF. */
export function headerLines(message: Message | null, passes: Passes): boolean {
	return message !== null && passes(message.headers.block());
}

/** Whose bytes are searched. */
export interface Sides {
	readonly client: boolean;
	readonly server: boolean;
}

/** Whether anything sent passes: decoded bodies, WebSocket messages, chunks, datagrams, the text of DNS messages. */
export function someBody(flow: Flow, { client, server }: Sides, regex: PythonRegex): boolean {
	switch (flow.type) {
		case "http": {
			if ((client && bodyMatches(flow.request, regex)) || (server && bodyMatches(flow.response, regex))) return true;
			return flow.websocket !== null && someMessage(flow.websocket.messages, { client, server }, regex);
		}
		case "dns": {
			const inText = (message: DnsMessage | null) => message !== null && regex.testBytes(encodeText(dnsText(message)));
			return (client && inText(flow.request)) || (server && inText(flow.response));
		}
		default:
			return someMessage(flow.messages, { client, server }, regex);
	}
}

function bodyMatches(message: Message | null, regex: PythonRegex): boolean {
	const bytes = message?.decodedOrRaw ?? null;
	return bytes !== null && regex.testBytes(bytes);
}

function someMessage(messages: readonly StreamMessage[], { client, server }: Sides, regex: PythonRegex): boolean {
	return messages.some((message) => (message.fromClient ? client : server) && regex.testBytes(message.content));
}

/** A host with the labels of an international name as people read them (RFC 5890). */
function readable(host: string): string {
	return domainToUnicode(host) || host;
}

/** Only `:authority` is shown as people read it, as mitmproxy has it; the Host header and the target stay as they are. */
function isReadable({ authority, httpVersion }: Request): boolean {
	return authority.includes("xn--") && /^HTTP\/[23]/.test(httpVersion);
}

/** Whether the host passes, or the one that the Host header names where it is another. */
export function someHost({ request }: HttpFlow, regex: PythonRegex): boolean {
	if (regex.test(request.host)) return true;
	if (isReadable(request)) return regex.test(readable(request.prettyHost));
	return request.hostHeader !== request.host && regex.test(request.prettyHost);
}

/** The URL by the Host header, as far as servers see it; of a DNS flow the name asked for; null where there is neither. */
export function urlOf(flow: Flow): string | null {
	if (flow.type === "dns") return flow.request.questions[0]?.name ?? null;
	if (flow.type !== "http") return null;
	const url = withoutFragment(flow.request.prettyUrl);
	return isReadable(flow.request) ? url.replace(flow.request.prettyHost, readable) : url;
}

/** `host:port`, IPv6 without brackets. */
export function addressText([host, port]: Address): string {
	return `${host}:${port}`;
}

/** Metadata as lines of `key: value`, values as Python shows them. */
export function metadataText({ metadata }: Flow): string {
	return Object.entries(metadata)
		.map(([key, value]) => `${key}: ${pythonText(value)}`)
		.join("\n");
}
