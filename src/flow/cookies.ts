// Cookies: where the expiry stands in a Set-Cookie header, and a jar that keeps cookies as a browser does (RFC 6265).
import { createRequire } from "node:module";
import type * as ToughCookie from "tough-cookie";
import type { ByteString } from "./bytes.ts";
import { parseHttpDate } from "./date.ts";
import { formatUrl } from "./url.ts";

/** A date within a header's value. */
export interface DateSpan {
	from: number;
	to: number;
	/** Seconds since 1970. */
	seconds: number;
}

const EXPIRES = /;\s*expires\s*=\s*"?([^;"]*)/gi;
/** Where servers join cookies by commas, the next one begins behind a comma and has a name and a value. */
const NEXT_COOKIE = /,\s*[^\s,;=]+=/;

/** The readable dates of `expires` attributes in a Set-Cookie value, which may hold several cookies. */
export function findExpiries(setCookie: ByteString): DateSpan[] {
	const spans: DateSpan[] = [];
	for (const match of setCookie.matchAll(EXPIRES)) {
		const value = match[1] as string;
		const date = value.slice(0, NEXT_COOKIE.exec(value)?.index ?? value.length).trimEnd();
		const seconds = parseHttpDate(date);
		const from = match.index + match[0].length - value.length;
		if (seconds !== null) spans.push({ from, to: from + date.length, seconds });
	}
	return spans;
}

let tough: typeof ToughCookie | undefined;
function toughCookie(): typeof ToughCookie {
	tough ??= createRequire(import.meta.url)("tough-cookie") as typeof ToughCookie;
	return tough;
}

/** Whence cookies come and where they go. */
export interface CookieOrigin {
	scheme: string;
	host: string;
	port: number;
	/** With the query. */
	path: string;
}

/** Cookies of many origins; unlike a browser's, each port has its own. */
export class CookieJar {
	readonly #jars = new Map<number, ToughCookie.CookieJar>();

	/** Loads the package at once: later the process may be unable to open files, and Node keeps a failure for good. */
	constructor() {
		toughCookie();
	}

	/**
	 * Takes a Set-Cookie header; what RFC 6265 refuses, such as a foreign domain, is passed over.
	 * @param at when it came, in seconds since 1970
	 */
	store(setCookie: string, from: CookieOrigin, at: number): void {
		const { Cookie, CookieJar: Jar } = toughCookie();
		const cookie = Cookie.parse(setCookie, { loose: true });
		// RFC 6265bis section 5.7: without name and value it is none
		if (cookie === undefined || (cookie.key === "" && cookie.value === "")) return;
		if (typeof cookie.maxAge === "number") {
			cookie.expires = new Date(cookie.maxAge > 0 ? (at + cookie.maxAge) * 1000 : 0);
			cookie.maxAge = null;
		}
		let jar = this.#jars.get(from.port);
		if (jar === undefined) {
			jar = new Jar(undefined, { rejectPublicSuffixes: true, looseMode: true, allowSpecialUseDomain: true });
			this.#jars.set(from.port, jar);
		}
		jar.setCookieSync(cookie, urlOf(from), { ignoreError: true });
	}

	/**
	 * The value of the Cookie header for a request, null when there is none to send.
	 * @param at when it is sent, in seconds since 1970: what has expired by then is left out
	 */
	cookiesFor(to: CookieOrigin, at: number): string | null {
		// the package knows no time but today's
		const all = this.#jars.get(to.port)?.getCookiesSync(urlOf(to), { expire: false, sort: true }) ?? [];
		const cookies = all.filter(({ expires }) => !(expires instanceof Date) || expires.getTime() > at * 1000);
		return cookies.map((cookie) => cookie.cookieString()).join("; ") || null;
	}
}

function urlOf({ scheme, host, port, path }: CookieOrigin): string {
	return formatUrl(scheme, host, port, path.startsWith("/") ? path : "/");
}
