// Exports requests as a script for the load tester k6.
import { FlowtapeError } from "../errors.ts";
import type { Request } from "../flow/message.ts";
import { joinedFields } from "./joined-fields.ts";
import { jsLiteral } from "./js-literal.ts";
import { asciiUrl, fieldsWithHost, hasDotSegments, type Note, requestParts } from "./request-parts.ts";

/** The beginning of a script, before its requests. */
export const k6Begin = 'import http from "k6/http";\n\nexport default function () {\n';

/** The end of a script, after its requests. */
export const k6End = "}\n";

/**
 * Makes a statement for the function of a k6 script, ending with a line feed. All content of the request is in string
 * literals of printable ASCII.
 * @throws FlowtapeError FT_LOSS if k6 cannot send the request
 */
export function k6Call(request: Request, note: Note = () => {}): string {
	const parts = requestParts(request, note);
	const { method, body, path } = parts;
	if (hasDotSegments(parts) || path === "*" || method !== method.toUpperCase())
		throw new FlowtapeError("FT_LOSS", "k6 does not send its method or path as it is; export it as curl");
	const fields = joinedFields(fieldsWithHost(parts), note).filter(([name, value]) => {
		const isText = /^[\t -~]*$/.test(value);
		if (!isText) note(`the header ${JSON.stringify(name)} is left out: k6 sends its bytes as UTF-8`);
		return isText;
	});
	const headers = fields.map(([name, value]) => `\t\t\t[${jsLiteral(name)}]: ${jsLiteral(value)},\n`).join("");
	return `\thttp.request(${jsLiteral(method)}, ${jsLiteral(asciiUrl(parts))}, ${bodyLiteral(body)}, {\n\t\theaders: {\n${headers}\t\t},\n\t\tredirects: 0,\n\t});\n`;
}

/** k6 sends strings as UTF-8, so other bytes are in a buffer. */
function bodyLiteral(body: Buffer): string {
	if (body.length === 0) return "null";
	const text = body.latin1Slice();
	return /^[\t\n\r -~]*$/.test(text) ? jsLiteral(text) : `new Uint8Array([${body.join(", ")}]).buffer`;
}
