// Cookies as a HAR lists them, made of header fields, and header fields made of them where a HAR has left those out.
import { parseHttpDate } from "../../src/flow/date.ts";
import type { Headers } from "../../src/flow/headers.ts";
import type { JsonObject } from "../fields.ts";
import type { EntryFields } from "./entry-fields.ts";

/** The cookies that a request sends (RFC 6265 section 4.2.1). */
export function requestCookies(headers: Headers): JsonObject[] {
	return headers.getAll("cookie").flatMap((header) =>
		header
			.split(";")
			.filter((pair) => pair.trim() !== "")
			.map((pair) => nameAndValue(pair)),
	);
}

/** The cookies that a response sets (RFC 6265 section 4.1.1). */
export function responseCookies(headers: Headers): JsonObject[] {
	return headers.getAll("set-cookie").map((header) => {
		const [pair = "", ...attributes] = header.split(";");
		const cookie: JsonObject = { ...nameAndValue(pair), httpOnly: false, secure: false };
		for (const attribute of attributes) {
			const { name, value } = nameAndValue(attribute);
			const key = name.toLowerCase();
			if (key === "path" || key === "domain") cookie[key] = value;
			else if (key === "httponly") cookie.httpOnly = true;
			else if (key === "secure") cookie.secure = true;
			else if (key === "samesite") cookie.sameSite = value;
			else if (key === "expires") addExpiry(cookie, value);
		}
		return cookie;
	});
}

function addExpiry(cookie: JsonObject, value: string): void {
	const date = new Date((parseHttpDate(value) ?? Number.NaN) * 1000);
	if (date.getUTCFullYear() > 0 && date.getUTCFullYear() < 10_000) cookie.expires = date.toISOString();
}

function nameAndValue(pair: string): { name: string; value: string } {
	const equals = pair.indexOf("=");
	const [name, value] = equals === -1 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)];
	return { name: name.trim().toWellFormed(), value: value.trim().toWellFormed() };
}

/** The Cookie field of a request that lists cookies and shows no such field; null where it lists none. */
export function cookieField(request: EntryFields): string | null {
	const cookies = request.list("cookies", (at) => `${at.text("name")}=${at.content("value")}`);
	return cookies.length === 0 ? null : cookies.join("; ");
}

/** The Set-Cookie fields of a response that lists cookies and shows no such field. */
export function setCookieFields(response: EntryFields): string[] {
	return response.list("cookies", (at) => {
		const expires = Date.parse(at.has("expires") ? at.text("expires") : "");
		return [
			`${at.text("name")}=${at.content("value")}`,
			...(at.has("path") ? [`Path=${at.text("path")}`] : []),
			...(at.has("domain") ? [`Domain=${at.text("domain")}`] : []),
			...(Number.isNaN(expires) ? [] : [`Expires=${new Date(expires).toUTCString()}`]),
			...(at.value("httpOnly") === true ? ["HttpOnly"] : []),
			...(at.value("secure") === true ? ["Secure"] : []),
			...(at.has("sameSite") ? [`SameSite=${at.text("sameSite")}`] : []),
		].join("; ");
	});
}
