// Tells quickly whether the heads of a flow have a credential: by the names of header fields, cookies and parameters.
// Bodies are not read.
import type { ByteString } from "../flow/bytes.ts";
import { cookiePair } from "../flow/cookies.ts";
import type { Flow } from "../flow/flow.ts";
import type { Headers } from "../flow/headers.ts";
import { headerKind, isPlainValue, secretKind } from "./names.ts";
import { isPlaceholder } from "./placeholders.ts";
import { basicText } from "./schemes.ts";

const AUTHORIZATION = /^(?:proxy-)?authorization$/;
/** Begins every placeholder: "ftr", also in hexadecimal digits. */
const PLACEHOLDER_MARK = /ftr_|667472/;

/** Where the first credential stands, such as `request header authorization`; null: there is none. */
export function credentialIn(flow: Flow): string | null {
	if (flow.type !== "http") return null;
	const inRequest = inHeaders(flow.request.headers) ?? inQuery(flow.request.path);
	if (inRequest !== null) return `request ${inRequest}`;
	const inResponse = flow.response === null ? null : inHeaders(flow.response.headers);
	return inResponse === null ? null : `response ${inResponse}`;
}

function inHeaders({ fields }: Headers): string | null {
	for (let i = 0; i < fields.length; i += 2) {
		const name = (fields[i] as ByteString).toLowerCase();
		const value = fields[i + 1] as ByteString;
		if (name === "cookie" || name === "set-cookie") {
			const pairs = name === "cookie" ? value.split(";") : [value.split(";", 1)[0] as ByteString];
			for (const pair of pairs) {
				const [cookie, text] = cookiePair(pair);
				if (secretKind(cookie) !== null && isCredential(text)) return `cookie ${cookie}`;
			}
		} else if (AUTHORIZATION.test(name) ? isAuthorized(value) : headerKind(name) !== null && isCredential(value))
			return `header ${name}`;
	}
	return null;
}

/** The credentials of Basic, and parameters, have placeholders within. */
function isAuthorized(value: ByteString): boolean {
	const credentials = value.replace(/^\S+\s+/, "");
	return isCredential(credentials) && !PLACEHOLDER_MARK.test(basicText(credentials) ?? credentials);
}

function inQuery(path: ByteString): string | null {
	const mark = path.indexOf("?");
	if (mark < 0) return null;
	for (const part of path.slice(mark + 1).split("&")) {
		const equals = part.indexOf("=");
		if (equals <= 0) continue;
		const name = part.slice(0, equals);
		if (secretKind(name) !== null && isCredential(part.slice(equals + 1))) return `query ${name}`;
	}
	return null;
}

function isCredential(value: ByteString): boolean {
	return !isPlainValue(value) && !isPlaceholder(value);
}
