// Converts header fields to the cookies of a HAR, and back if a HAR lacks the header fields.
import { cookiePairs, parseSetCookie } from "../../src/flow/cookies.ts";
import { parseHttpDate } from "../../src/flow/date.ts";
import type { Headers } from "../../src/flow/headers.ts";
import type { Pair } from "../../src/flow/pairs.ts";
import type { JsonObject } from "../fields.ts";
import type { EntryFields } from "./entry-fields.ts";

/** The cookies of a request (RFC 6265 section 4.2.1). */
export function requestCookies(headers: Headers): JsonObject[] {
	return headers.getAll("cookie").flatMap(cookiePairs).map(nameAndValue);
}

/** The cookies of a response (RFC 6265 section 4.1.1). */
export function responseCookies(headers: Headers): JsonObject[] {
	return headers.getAll("set-cookie").map((header) => {
		const { name, value, attributes } = parseSetCookie(header);
		const cookie: JsonObject = { ...nameAndValue([name, value]), httpOnly: false, secure: false };
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

function nameAndValue([name, value]: Pair): { name: string; value: string } {
	return { name: name.toWellFormed(), value: value.toWellFormed() };
}

/** The Cookie field made of the `cookies` of a request that lacks this field; null if there are no cookies. */
export function cookieField(request: EntryFields): string | null {
	const cookies = request.list("cookies", (at) => `${at.text("name")}=${at.content("value")}`);
	return cookies.length === 0 ? null : cookies.join("; ");
}

/** The Set-Cookie fields made of the `cookies` of a response that lacks these fields. */
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
