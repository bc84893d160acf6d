// Exports a request as Python code for the requests library.
import { FlowtapeError } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import { joinedFields } from "./joined-fields.ts";
import { asciiUrl, fieldsWithHost, type Note, requestParts } from "./request-parts.ts";

/** Headers that urllib3 adds unless their value is SKIP_HEADER. */
const ADDED_HEADERS = ["User-Agent", "Accept-Encoding"];

/** A path and query that requests and urllib3 send unchanged. */
const PLAIN = /^(?!\/\/)(?:[\w!$&'()*+,/:;=@~.-]|%[\dA-F]{2})*(?:\?(?:[\w!$&'()*+,/:;=?@~.-]|%[\dA-F]{2})+)?$/;

/**
 * Makes Python statements that send the request, ending with a line feed. All content of the request is in string
 * literals of printable ASCII. The request is not prepared by requests, which would add and change headers.
 * @throws FlowtapeError FT_LOSS if requests cannot send the request
 */
export function pythonCode(request: Request, note: Note = () => {}): string {
	const parts = requestParts(request, note);
	const { method, body, host, path, isChunked } = parts;
	if (path === "*") throw new FlowtapeError("FT_LOSS", "requests does not send the path *; export it as curl");
	if (/[^!-~]/.test(host))
		throw new FlowtapeError(
			"FT_LOSS",
			"requests does not send its host, which is not ASCII, as it is; export it as curl",
		);
	if (!PLAIN.test(path)) note("requests changes percent-encoding, leading slashes or an empty query in the path");
	const fields = joinedFields(fieldsWithHost(parts), note);
	const present = new Set(fields.map(([name]) => name.toLowerCase()));
	const skipped = ADDED_HEADERS.filter((name) => !present.has(name.toLowerCase()));
	// without a length, requests sends a body in chunks
	const hasLength = body.length > 0 ? !isChunked : request.headers.has("content-length");
	const lines = [...fields, ...(hasLength ? [["Content-Length", String(body.length)] as const] : [])].map(
		([name, value]) => `    ${literal(name)}: ${literal(value)},`,
	);
	lines.push(...skipped.map((name) => `    ${literal(name)}: SKIP_HEADER,`));
	return [
		"import requests",
		...(skipped.length > 0 ? ["from urllib3.util import SKIP_HEADER"] : []),
		"",
		"request = requests.PreparedRequest()",
		`request.method = ${literal(method)}`,
		`request.url = ${literal(asciiUrl(parts))}`,
		"request.headers = requests.structures.CaseInsensitiveDict({",
		...lines,
		"})",
		...(body.length > 0 ? [`request.body = b${literal(body.latin1Slice())}`] : []),
		"response = requests.Session().send(request, allow_redirects=False)",
		"print(response.status_code, response.text)",
		"",
	].join("\n");
}

/** A string literal with the same characters; http.client sends each as one byte. After `b`, a literal of the bytes. */
function literal(text: ByteString): string {
	const quoted = text.replace(/["\\]|[^ -~]/g, (character) =>
		/["\\]/.test(character) ? `\\${character}` : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
	);
	return `"${quoted}"`;
}
