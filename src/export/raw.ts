// Messages as HTTP/1.1 has them on the wire (RFC 9112).
import { FlowtapeError } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { Message } from "../flow/message.ts";

/** @throws FlowtapeError FT_LOSS when the body was not recorded */
export function rawRequest({ request }: HttpFlow): Buffer {
	const { method, authority } = request;
	const target = method === "CONNECT" ? authority : authority === "" ? request.path : request.url;
	return assemble(`${method} ${target} ${version(request)}`, request, "the request's");
}

/** @throws FlowtapeError FT_LOSS when there is no response or its body was not recorded */
export function rawResponse({ response }: HttpFlow): Buffer {
	if (response === null) throw new FlowtapeError("FT_LOSS", "there is no response");
	return assemble(`${version(response)} ${response.statusCode} ${response.reason}`, response, "the response's");
}

/** Both, an empty line between them; what there is, where one is missing. */
export function rawFlow(flow: HttpFlow): Buffer {
	const between = Buffer.from("\r\n\r\n");
	if (flow.request.body === null) return rawResponse(flow);
	return flow.response === null || flow.response.body === null ? rawRequest(flow) : Buffer.concat([rawRequest(flow), between, rawResponse(flow)]);
}

function version({ httpVersion }: Message): ByteString {
	return httpVersion.startsWith("HTTP/1.") ? httpVersion : "HTTP/1.1";
}

function assemble(firstLine: ByteString, message: Message, whose: string): Buffer {
	const body = message.rawContent;
	if (body === null) throw new FlowtapeError("FT_LOSS", `${whose} body was not recorded`);
	const head = Buffer.from(`${firstLine}\r\n${message.headers.block()}\r\n`, "latin1");
	const isChunked = /\bchunked\s*$/i.test(message.headers.get("transfer-encoding") ?? "");
	return Buffer.concat([head, ...(isChunked ? chunked(body, message.trailers?.block() ?? "") : [body])]);
}

/** RFC 9112 section 7.1 */
function chunked(body: Buffer, trailers: ByteString): Buffer[] {
	const chunk = body.length === 0 ? [] : [Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n")];
	return [...chunk, Buffer.from(`0\r\n${trailers}\r\n`, "latin1")];
}
