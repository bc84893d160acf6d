// A flow in full, for the page: its messages, connections and times. Bodies are read separately.

import { addressText } from "../../src/filter/subjects.ts";
import { toText } from "../../src/flow/bytes.ts";
import type { Address, Connection, ServerConnection } from "../../src/flow/connection.ts";
import { parseMediaType } from "../../src/flow/content-type.ts";
import { cookiePair, cookiePairs } from "../../src/flow/cookies.ts";
import { incompleteParts } from "../../src/flow/ending.ts";
import type { Flow, HttpFlow } from "../../src/flow/flow.ts";
import type { Headers } from "../../src/flow/headers.ts";
import type { Message, Request, Response } from "../../src/flow/message.ts";
import { parseQuery, splitPath } from "../../src/flow/url.ts";
import type { Field, FlowDetails, MessageDetails, TimingPart } from "../page/protocol.ts";
import { messageCount } from "./messages.ts";

/** Media types that the page can show, as a blob, in an element in which scripts do not run. */
const IMAGES = /^image\/(?:png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon|svg\+xml)$/;

export function detailsOf(
	flow: Flow,
	{ seq, sameKey, revision }: Pick<FlowDetails, "seq" | "sameKey" | "revision">,
): FlowDetails {
	return {
		seq,
		id: flow.id,
		kind: flow.type,
		title: titleOf(flow),
		request: flow.type === "http" ? requestDetails(flow.request) : null,
		response: flow.type === "http" && flow.response !== null ? responseDetails(flow.response) : null,
		error: flow.error?.message ?? null,
		incomplete: Object.values(incompleteParts(flow)),
		marked: flow.marked,
		comment: flow.comment,
		session: flow.session,
		messages: messageCount(flow),
		connection: connectionLines(flow),
		timing: timingOf(flow),
		sameKey,
		revision,
	};
}

function titleOf(flow: Flow): string {
	switch (flow.type) {
		case "http":
			return flow.request.prettyUrl;
		case "dns":
			return flow.request.questions.map(({ name }) => name).join(", ");
		default:
			return addressLine(flow.serverConn.address ?? flow.serverConn.peername);
	}
}

function requestDetails(request: Request): MessageDetails {
	return {
		...messageDetails(request),
		first: `${toText(request.method)} ${toText(request.path)} ${toText(request.httpVersion)}`,
		cookies: request.headers.getAll("cookie").flatMap((header) => cookiePairs(header)),
		query: parseQuery(splitPath(toText(request.path)).query),
	};
}

function responseDetails(response: Response): MessageDetails {
	return {
		...messageDetails(response),
		first: `${toText(response.httpVersion)} ${response.statusCode} ${toText(response.reason)}`.trimEnd(),
		cookies: response.headers.getAll("set-cookie").map(cookiePair),
	};
}

function messageDetails(message: Message): MessageDetails {
	const type = parseMediaType(message.headers.get("content-type")).essence;
	return {
		first: "",
		headers: fieldsOf(message.headers),
		trailers: message.trailers === null ? [] : fieldsOf(message.trailers),
		cookies: [],
		query: [],
		size: message.bodySize,
		type,
		isImage: IMAGES.test(type) && (message.bodySize ?? 0) > 0,
	};
}

function fieldsOf({ fields }: Headers): Field[] {
	const list: Field[] = [];
	for (let i = 0; i + 1 < fields.length; i += 2)
		list.push([toText(fields[i] as string), toText(fields[i + 1] as string)]);
	return list;
}

function connectionLines({ clientConn, serverConn }: Flow): Field[] {
	const lines: (Field | null)[] = [
		line("client", addressLine(clientConn.peername)),
		line("client TLS", tlsText(clientConn)),
		line("proxy mode", clientConn.proxyMode),
		line("server", addressLine(serverConn.address)),
		line("server address", addressLine(serverConn.peername)),
		line("server TLS", tlsText(serverConn)),
		line("server name (SNI)", serverConn.sni ?? ""),
		line("certificates", String(serverConn.certificateList.length || "")),
		line("via", serverConn.via === null ? "" : `${serverConn.via[0]}://${addressLine(serverConn.via[1])}`),
		line("error", serverConn.error ?? clientConn.error ?? ""),
	];
	return lines.filter((one) => one !== null);
}

function line(name: string, value: string): Field | null {
	return value === "" ? null : [name, value];
}

function addressLine(address: Address | null): string {
	return address === null ? "" : addressText(address);
}

function tlsText({ tlsVersion, cipher, alpn }: Connection): string {
	return [tlsVersion, cipher, alpn === null ? null : toText(alpn)].filter((part) => part !== null).join(" ");
}

function timingOf(flow: Flow): TimingPart[] {
	return flow.type === "http" ? httpTiming(flow, flow.serverConn) : [];
}

/** Phases whose times were recorded, in seconds from the start of the request. */
function httpTiming({ request, response }: HttpFlow, server: ServerConnection): TimingPart[] {
	const start = request.timestampStart;
	const part = (name: string, from: number | null | undefined, to: number | null | undefined): TimingPart | null =>
		from == null || to == null || from === 0 || to === 0 || to < from
			? null
			: { name, from: from - start, to: to - start };
	// a connection that served earlier requests was made before this one
	const isOwn = server.timestampStart !== null && server.timestampStart >= start;
	return [
		part("request", start, request.timestampEnd),
		isOwn ? part("connect", server.timestampStart, server.timestampTcpSetup) : null,
		isOwn ? part("TLS", server.timestampTcpSetup, server.timestampTlsSetup) : null,
		part("waiting", request.timestampEnd, response?.timestampStart),
		part("response", response?.timestampStart, response?.timestampEnd),
	].filter((one) => one !== null);
}
