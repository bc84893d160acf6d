// The parts of a flow that filter patterns are matched against: content types, headers, bodies, addresses, hosts, URLs,
// metadata.
import { domainToUnicode } from "node:url";
import { type ByteString, encodeText } from "../flow/bytes.ts";
import type { Address } from "../flow/connection.ts";
import type { DnsMessage, Flow, HttpFlow, StreamMessage } from "../flow/flow.ts";
import type { Message, Request } from "../flow/message.ts";
import { canonicalHost, withoutFragment } from "../flow/url.ts";
import type { PythonRegex } from "../regex/python-regex.ts";
import { dnsText } from "./dns-text.ts";
import { pythonText } from "./python-text.ts";

type Passes = (value: ByteString) => boolean;

/** Whether the value of any Content-Type header passes. */
export function someContentType(message: Message | null, passes: Passes): boolean {
	if (message === null) return false;
	const { fields } = message.headers;
	for (let i = 0; i < fields.length; i += 2) {
		const name = fields[i] as ByteString;
		if (name.length === 12 && name.toLowerCase() === "content-type" && passes(fields[i + 1] as ByteString)) return true;
	}
	return false;
}

/** Whether the header lines pass, as one string in which each line ends with CR LF. */
export function headerLines(message: Message | null, passes: Passes): boolean {
	return message !== null && passes(message.headers.block());
}

/** Whose data to search. */
export interface Sides {
	readonly client: boolean;
	readonly server: boolean;
}

/**
 * Whether any data that these sides sent matches: decoded bodies, WebSocket messages, TCP chunks, datagrams, the text
 * of DNS messages.
 */
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

/** Decodes the Punycode labels of an internationalised host name (RFC 5890). */
function readable(host: string): string {
	return domainToUnicode(host) || host;
}

/**
 * Whether Punycode in the host is decoded before matching. As in mitmproxy, this is so only for the host of
 * `:authority`, not for that of the Host header or the request target.
 */
function hasPunycodeAuthority({ authority, httpVersion }: Request): boolean {
	return authority.includes("xn--") && /^HTTP\/[23]/.test(httpVersion);
}

/** Whether a host matches as it was sent, or in its canonical form. Otherwise, another spelling would evade a rule. */
export function hostPasses(host: string, regex: PythonRegex): boolean {
	if (regex.test(host)) return true;
	const canonical = canonicalHost(host);
	return canonical !== host && regex.test(canonical);
}

/** Whether the host to which the request was sent matches, or the one in its Host header. */
export function someHost({ request }: HttpFlow, regex: PythonRegex): boolean {
	if (hostPasses(request.host, regex)) return true;
	if (hasPunycodeAuthority(request)) return hostPasses(readable(request.prettyHost), regex);
	return request.hostHeader !== request.host && hostPasses(request.prettyHost, regex);
}

/**
 * The URL with the host of the Host header, without fragment; for DNS the name in the first question; null: the flow
 * has neither.
 */
export function filteredUrl(flow: Flow): string | null {
	if (flow.type === "dns") return flow.request.questions[0]?.name ?? null;
	if (flow.type !== "http") return null;
	const url = withoutFragment(flow.request.prettyUrl);
	return hasPunycodeAuthority(flow.request) ? url.replace(flow.request.prettyHost, readable) : url;
}

/** `host:port`, IPv6 without brackets. */
export function addressText([host, port]: Address): string {
	return `${host}:${port}`;
}

/** Metadata as lines of `key: value`, values as in Python. The session comes first. */
export function metadataText({ metadata, session }: Flow): string {
	return Object.entries({ ...(session !== null && { session }), ...metadata })
		.map(([key, value]) => `${key}: ${pythonText(value)}`)
		.join("\n");
}
