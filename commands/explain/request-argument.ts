// Parses the value of --request: a curl command, a URL, a file, or the id of a flow.
import { existsSync, readFileSync } from "node:fs";
import { flowsIn } from "../../api/source.ts";
import { FlowtapeError, type Reporter } from "../../src/errors.ts";
import { toByteString, toText } from "../../src/flow/bytes.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";
import { Headers } from "../../src/flow/headers.ts";
import { Request } from "../../src/flow/message.ts";
import { parseAuthority, parseUrl } from "../../src/flow/url.ts";
import { curlRequest } from "./curl-request.ts";
import { shellWords } from "./shell-words.ts";

/**
 * Tries in this order: `curl …`; `URL` or `METHOD URL`; an existing file with a curl command, a request or a tape
 * (`FILE#ID` for one flow of a tape); the start of a flow's id on one of the tapes.
 * @throws FlowtapeError FT_USAGE, FT_NOT_FOUND
 */
export async function requestFromArgument(text: string, tapes: readonly string[], report: Reporter): Promise<Request> {
	if (CURL.test(text)) return curlRequest(shellWords(text).slice(1));
	const line = /^(?:([A-Z]+)\s+)?(https?:\/\/\S+)$/i.exec(text.trim());
	if (line !== null)
		return curlRequest(line[1] === undefined ? [line[2] as string] : ["-X", line[1], line[2] as string]);
	const [, file = text, id] = /^(.*)#([^#]+)$/s.exec(text) ?? [];
	if (existsSync(text)) return requestFromFile(text, "", report);
	if (id !== undefined && existsSync(file)) return requestFromFile(file, id, report);
	for (const tape of tapes) {
		const flow = await findFlow(tape, text, report);
		if (flow !== null) return flow.request;
	}
	throw new FlowtapeError(
		"FT_NOT_FOUND",
		`--request: expected a curl command, a URL, a file or the start of a flow's id on the tapes, found "${text}"`,
	);
}

async function requestFromFile(path: string, id: string, report: Reporter): Promise<Request> {
	const raw = id === "" ? parseRequestFile(readFileSync(path)) : null;
	if (raw !== null) return raw;
	const flow = await findFlow(path, id, report);
	if (flow === null)
		throw new FlowtapeError(
			"FT_NOT_FOUND",
			`${path}: no HTTP flow${id === "" ? "" : ` has an id that begins with ${id}`}`,
			{ file: path },
		);
	return flow.request;
}

async function findFlow(path: string, id: string, report: Reporter): Promise<HttpFlow | null> {
	for await (const flow of flowsIn(path, report)) if (flow.type === "http" && flow.id.startsWith(id)) return flow;
	return null;
}

const HEAD_END = /\r?\n\r?\n/;
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+)(?: (HTTP\/\d(?:\.\d)?))?\r?$/;

/** Parses a curl command or a raw request; null: it is neither. */
function parseRequestFile(bytes: Buffer): Request | null {
	const isCommand = CURL.test(bytes.subarray(0, 100).latin1Slice());
	return isCommand ? curlRequest(shellWords(bytes.toString()).slice(1)) : parseRawRequest(bytes);
}

const CURL = /^\s*curl\s/;

/** Parses an HTTP/1.1 request, also with bare line feeds or without version; null: it is not one. */
export function parseRawRequest(bytes: Buffer): Request | null {
	const text = bytes.latin1Slice();
	const end = HEAD_END.exec(text);
	const head = text.slice(0, end?.index ?? text.length).trimEnd();
	const [first = "", ...lines] = head.split(/\r?\n/);
	const match = REQUEST_LINE.exec(first);
	if (match === null) return null;
	const [, method = "", target = "", httpVersion = "HTTP/1.1"] = match;
	const headers = new Headers(
		lines.flatMap((line) => {
			const colon = line.indexOf(":");
			return colon > 0 ? [line.slice(0, colon), line.slice(colon + 1).trim()] : [];
		}),
	);
	const body = end === null ? Buffer.alloc(0) : bytes.subarray(end.index + end[0].length);
	const where = destination(target, headers);
	return where === null ? null : new Request({ ...where, method, httpVersion, headers, body });
}

function destination(target: string, headers: Headers): Pick<Request, "scheme" | "host" | "port" | "path"> | null {
	if (/^https?:\/\//i.test(target)) {
		const { path, ...url } = parseUrl(toText(target));
		return { ...url, path: toByteString(path) };
	}
	const authority = parseAuthority(headers.get("host") ?? "");
	if (authority === null) return null;
	const isSecure = authority.port === 443;
	return { scheme: isSecure ? "https" : "http", host: authority.host, port: authority.port ?? 80, path: target };
}
