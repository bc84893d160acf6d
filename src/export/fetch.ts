// Exports a request as a call of fetch.
import { FlowtapeError } from "../errors.ts";
import type { Request } from "../flow/message.ts";
import { jsLiteral } from "./js-literal.ts";
import { asciiUrl, fieldsWithHost, hasDotSegments, type Note, requestParts } from "./request-parts.ts";

/** Methods that fetch rejects, and methods that it changes to upper case. */
const REFUSED = /^(?:trace|track)$/i;
const NORMAL = /^(?:delete|get|head|options|post|put)$/i;

/**
 * Makes a JavaScript statement that calls fetch, ending with a line feed.
 * @throws FlowtapeError FT_LOSS if fetch cannot send the request
 */
export function fetchCall(request: Request, note: Note = () => {}): string {
	const parts = requestParts(request, note);
	const { method, body, path } = parts;
	const bodiless = method === "GET" || method === "HEAD";
	if (REFUSED.test(method) || (NORMAL.test(method) && method !== method.toUpperCase()))
		throw new FlowtapeError(
			"FT_LOSS",
			`fetch does not send the method ${jsLiteral(method)} as it is; export it as curl`,
		);
	if (bodiless && body.length > 0)
		throw new FlowtapeError("FT_LOSS", `fetch sends no body with ${method}; export it as curl`);
	if (hasDotSegments(parts) || path === "*" || /^[^?]*\\|\?$/.test(path))
		throw new FlowtapeError("FT_LOSS", `fetch does not send the path ${jsLiteral(path)} as it is; export it as curl`);
	const fields = fieldsWithHost(parts).filter(([name, value]) => {
		const reason = /^(?:connection|upgrade|expect)$/i.test(name)
			? "fetch does not allow programs to set it"
			: /[^\t -~\x80-\xff]/.test(value)
				? "its value has control characters"
				: null;
		if (reason !== null) note(`the header ${jsLiteral(name)} is left out: ${reason}`);
		return reason === null;
	});
	const lines = [`method: ${jsLiteral(method)},`];
	if (fields.length > 0)
		lines.push("headers: [", ...fields.map(([name, value]) => `\t[${jsLiteral(name)}, ${jsLiteral(value)}],`), "],");
	if (!bodiless) lines.push(`body: ${bytesLiteral(body)},`);
	lines.push('redirect: "manual",');
	return `await fetch(${jsLiteral(asciiUrl(parts))}, {\n${lines.map((line) => `\t${line}\n`).join("")}});\n`;
}

/** The body as an expression for bytes: for a string, fetch would add a Content-Type. */
function bytesLiteral(body: Buffer): string {
	const text = body.latin1Slice();
	return /^[\t\n\r -~]*$/.test(text)
		? `new TextEncoder().encode(${jsLiteral(text)})`
		: `Uint8Array.from(atob("${body.toString("base64")}"), (character) => character.charCodeAt(0))`;
}
