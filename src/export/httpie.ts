// Exports a request as an HTTPie command.
import { isUtf8 } from "node:buffer";
import { FlowtapeError } from "../errors.ts";
import { type ByteString, toText } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import { fieldsWithHost, type Note, type RequestParts, requestParts, requestUrl } from "./request-parts.ts";
import { commandLine, printf, quote } from "./shell.ts";

/** Headers that HTTPie adds by default. */
const DEFAULT_HEADERS = ["user-agent", "accept", "accept-encoding", "connection"];

/** A path or query that HTTPie's library requests does not change. `--path-as-is` keeps it from changing other paths. */
const PLAIN = /^(?:[\w!#$&'()*+,/:;=?@~.-]|%(?!2d|2e|3\d|4[1-9a-f]|5[\daf]|6[1-9a-f]|7[\dae])[\da-f]{2})*$/i;

/** A path or query that HTTPie's library urllib3 does not change. It changes others with any option. */
const KEPT = /^(?:[\w!$&'()*+,/:;=?@~.-]|%[\dA-F]{2})*$/;

/**
 * Makes a command for POSIX shells, ending with a line feed. The body comes from stdin, so that HTTPie does not parse
 * it as request items, and all parts of the request follow `--`, so that none is parsed as an option.
 * @throws FlowtapeError FT_LOSS if the request cannot be expressed as a command
 */
export function httpieCommand(request: Request, note: Note = () => {}): ByteString {
	const parts = requestParts(request, note);
	const { method, body, host, port, path } = parts;
	// HTTPie would take any other word for the URL, and change lower case to upper case
	if (!/^[A-Z]+$/.test(method))
		throw new FlowtapeError(
			"FT_LOSS",
			`HTTPie cannot send the method ${JSON.stringify(method)}, only methods of upper case letters; export it as curl`,
		);
	if (path === "*") throw new FlowtapeError("FT_LOSS", "HTTPie does not send the path *; export it as curl");
	const [onlyPath = "", query = ""] = path.split(/\?(.*)/s);
	if (!KEPT.test(onlyPath)) note("HTTPie changes percent-encoding in the path");
	if (!PLAIN.test(query) || !KEPT.test(query)) note("HTTPie changes percent-encoding in the query");
	if (query === "" && path.endsWith("?")) note("HTTPie leaves out the ? of an empty query");
	const fields = representableHeaders(parts, note);
	const present = new Set(fields.map(([name]) => name.toLowerCase()));
	const added = body.length > 0 ? [...DEFAULT_HEADERS, "content-type"] : DEFAULT_HEADERS;
	const options = `${body.length > 0 ? "" : "--ignore-stdin "}${PLAIN.test(onlyPath) && !/\/\.|\/\//.test(onlyPath) ? "" : "--path-as-is "}`;
	const words = [
		`http ${options}-- ${quote(method)} ${quote(requestUrl(parts, host, port))}`,
		...fields.map(([name, value]) => quote(value === "" ? `${name};` : `${name}: ${value}`)),
		...added.filter((name) => !present.has(name)).map((name) => quote(`${name}:`)),
	];
	return body.length > 0 ? `${printf(body)} |\n${commandLine(words)}` : commandLine(words);
}

/** The headers that HTTPie can send: it removes a backslash before any of `:;=@`, and values must be UTF-8. */
function representableHeaders(parts: RequestParts, note: Note): RequestParts["fields"] {
	return fieldsWithHost(parts)
		.map(([name, value]) => [name, value.replace(/^[\t ]+|[\t ]+$/g, "")] as const)
		.filter(([name, value]) => {
			const isRepresentable = !/\\[:;=@]/.test(value) && isUtf8(Buffer.from(value, "latin1"));
			if (!isRepresentable)
				note(`HTTPie cannot send the value of the header ${JSON.stringify(toText(name))}; it is left out`);
			return isRepresentable;
		});
}
