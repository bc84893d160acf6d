// A request as an HTTPie command.
import type { ByteString } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import { hasDotSteps, namedFields, urlOf } from "./request-parts.ts";
import { commandLine, printf, quote } from "./shell.ts";

/** What HTTPie sends unless it is told not to. */
const OWN_FIELDS = ["user-agent", "accept", "accept-encoding", "connection"];

/** A command for any POSIX shell; the last line ends with a line feed. The body comes from stdin, so that none of it is taken for a field. */
export function httpieCommand(request: Request): ByteString {
	const body = request.rawContent ?? Buffer.alloc(0);
	const own = body.length > 0 ? [...OWN_FIELDS, "content-type"] : OWN_FIELDS;
	const parts = [
		`http ${body.length > 0 ? "" : "--ignore-stdin "}${hasDotSteps(request) ? "--path-as-is " : ""}${quote(request.method)} ${quote(urlOf(request))}`,
		...namedFields(request).map(([name, value]) => quote(value === "" ? `${name};` : `${name}: ${value}`)),
		...own.filter((name) => !request.headers.has(name)).map((name) => quote(`${name}:`)),
	];
	return body.length > 0 ? `${printf(body)} |\n${commandLine(parts)}` : commandLine(parts);
}
