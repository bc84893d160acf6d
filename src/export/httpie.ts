// A request as an HTTPie command.
import { isUtf8 } from "node:buffer";
import { FlowtapeError } from "../errors.ts";
import { type ByteString, toByteString, toText } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import { formatAuthority } from "../flow/url.ts";
import { type Note, type RequestParts, requestParts, urlOf } from "./request-parts.ts";
import { commandLine, printf, quote } from "./shell.ts";

/** What HTTPie sends unless it is told not to. */
const OWN_FIELDS = ["user-agent", "accept", "accept-encoding", "connection"];

/** What HTTPie leaves of a path and a query as it is. */
const PLAIN = /^(?:[\w!#$&'()*+,/:;=?@~.-]|%(?!2d|2e|3\d|4[1-9a-f]|5[\daf]|6[1-9a-f]|7[\dae])[\da-f]{2})*$/i;

/**
 * A command for any POSIX shell; the last line ends with a line feed. The body comes from stdin, so that none of it is taken for a field, and
 * what the request says stands behind `--`, so that none of it is taken for an option.
 * @throws FlowtapeError FT_LOSS for a request that no command can be made of
 */
export function httpieCommand(request: Request, note: Note = () => {}): ByteString {
	const parts = requestParts(request, note);
	const { method, body, host, port, path } = parts;
	// another first word would be the URL, and in lower case it would not stay
	if (!/^[A-Z]+$/.test(method))
		throw new FlowtapeError("FT_LOSS", `HTTPie has no method ${JSON.stringify(method)}: one of upper case letters was expected; export it as curl`);
	if (path === "*") throw new FlowtapeError("FT_LOSS", "HTTPie does not send the path *; export it as curl");
	const [onlyPath = "", query = ""] = path.split(/\?(.*)/s);
	if (!PLAIN.test(query)) note("HTTPie writes escapes of its own in the query");
	const fields = sayable(parts, note);
	const there = new Set(fields.map(([name]) => name.toLowerCase()));
	const own = body.length > 0 ? [...OWN_FIELDS, "content-type"] : OWN_FIELDS;
	const options = `${body.length > 0 ? "" : "--ignore-stdin "}${PLAIN.test(onlyPath) && !/\/\.|\/\//.test(onlyPath) ? "" : "--path-as-is "}`;
	const words = [
		`http ${options}-- ${quote(method)} ${quote(urlOf(parts, host, port))}`,
		...fields.map(([name, value]) => quote(value === "" ? `${name};` : `${name}: ${value}`)),
		...own.filter((name) => !there.has(name)).map((name) => quote(`${name}:`)),
	];
	return body.length > 0 ? `${printf(body)} |\n${commandLine(words)}` : commandLine(words);
}

/** HTTPie takes the backslash before these away, and only text for a value. */
function sayable({ hostField, fields, scheme, host, port }: RequestParts, note: Note): RequestParts["fields"] {
	const isImplied = hostField === null || hostField === toByteString(formatAuthority(host, port, scheme));
	const all = isImplied ? fields : [["Host", hostField] as const, ...fields];
	return all
		.map(([name, value]) => [name, value.replace(/^[\t ]+|[\t ]+$/g, "")] as const)
		.filter(([name, value]) => {
			const isSayable = !/\\[:;=@]/.test(value) && isUtf8(Buffer.from(value, "latin1"));
			if (!isSayable) note(`HTTPie cannot say the value of the header ${JSON.stringify(toText(name))}; it is left out`);
			return isSayable;
		});
}
