// Keeps cookies in a jar as a browser does (RFC 6265). The only file that uses tough-cookie.
import type * as ToughCookie from "tough-cookie";
import { lazily } from "../lazy.ts";
import { defaultPort, formatUrl } from "./url.ts";

const toughCookie = lazily<typeof ToughCookie>("tough-cookie");

/** The parts of the URL whose response sets cookies, or whose request carries them. */
export interface CookieOrigin {
	scheme: string;
	host: string;
	port: number;
	/** Path and query. */
	path: string;
}

/** Maximum length of the name and value of a cookie together, in characters (RFC 6265 section 6.1). */
const MAX_COOKIE_LENGTH = 4096;
/** Maximum number of cookies of a site at one port, as in Chromium. Beyond it, the oldest cookie is removed. */
const COOKIES_PER_SITE = 180;
/** Maximum number of cookies in the jar. Beyond it, all cookies of the least recently updated site are removed. */
const COOKIES = 10_000;

/** The cookies of a site at one port, by domain, path and name; the most recently stored one is last. */
type SiteCookies = Map<string, ToughCookie.Cookie>;

/** Cookies of many origins, within limits like those of browsers. Unlike in browsers, each port has its own cookies. */
export class CookieJar {
	readonly #jars = new Map<number, ToughCookie.CookieJar>();
	/** By port and registrable domain; the most recently updated site is last. */
	readonly #sites = new Map<string, SiteCookies>();
	#count = 0;

	/** Loads the package at once: later the process may have no file descriptor left, and Node caches a failed load. */
	constructor() {
		toughCookie();
	}

	/**
	 * Stores the cookie of a Set-Cookie header. It ignores cookies that RFC 6265 rejects, such as those for a foreign
	 * domain, and cookies that are empty or too long.
	 * @param at when the header was received, in seconds since 1970
	 */
	store(setCookie: string, from: CookieOrigin, at: number): void {
		const { Cookie } = toughCookie();
		const cookie = Cookie.parse(setCookie, { loose: true });
		// RFC 6265bis section 5.7: ignored if both name and value are empty
		if (cookie === undefined || (cookie.key === "" && cookie.value === "")) return;
		if (cookie.key.length + cookie.value.length > MAX_COOKIE_LENGTH) return;
		if (typeof cookie.maxAge === "number") {
			cookie.expires = new Date(cookie.maxAge > 0 ? (at + cookie.maxAge) * 1000 : 0);
			cookie.maxAge = null;
		}
		let jar = this.#jars.get(from.port);
		if (jar === undefined) {
			jar = newJar();
			this.#jars.set(from.port, jar);
		}
		const stored = jar.setCookieSync(cookie, originUrl(from), { ignoreError: true });
		if (stored !== undefined) this.#limit(stored, from.port);
	}

	/** Counts a stored cookie, and removes older ones beyond the limits. */
	#limit(cookie: ToughCookie.Cookie, port: number): void {
		const domain = cookie.domain ?? "";
		const site = toughCookie().getPublicSuffix(domain, { allowSpecialUseDomain: true, ignoreError: true }) ?? domain;
		const name = `${port} ${site}`;
		const cookies: SiteCookies = this.#sites.get(name) ?? new Map();
		this.#sites.delete(name);
		this.#sites.set(name, cookies);
		const key = JSON.stringify([domain, cookie.path, cookie.key]);
		if (!cookies.delete(key)) this.#count++;
		cookies.set(key, cookie);
		if (cookies.size > COOKIES_PER_SITE) this.#forget(port, cookies, 1);
		if (this.#count <= COOKIES) return;
		for (const [oldest, all] of this.#sites) {
			this.#forget(Number.parseInt(oldest, 10), all, all.size);
			this.#sites.delete(oldest);
			return;
		}
	}

	/** Removes the oldest cookies of a site. */
	#forget(port: number, cookies: SiteCookies, count: number): void {
		const store = this.#jars.get(port)?.store;
		for (const [key, { domain, path, key: name }] of [...cookies].slice(0, count)) {
			cookies.delete(key);
			this.#count--;
			void store?.removeCookie(domain ?? "", path ?? "/", name, () => {});
		}
	}

	/**
	 * The value of the Cookie header for a request; null: no cookie applies.
	 * @param at when the request is sent, in seconds since 1970: cookies that have expired by then are left out
	 */
	cookiesFor(to: CookieOrigin, at: number): string | null {
		// the package can compare expiry dates only with the current time
		const all = this.#jars.get(to.port)?.getCookiesSync(originUrl(to), { expire: false, sort: true }) ?? [];
		const cookies = all.filter(({ expires }) => !(expires instanceof Date) || expires.getTime() > at * 1000);
		return cookies.map((cookie) => cookie.cookieString()).join("; ") || null;
	}
}

/**
 * The scope of the cookie in a Set-Cookie header, as a key. The cookie applies to each request whose `cookieScopes`
 * contain the key: requests to the same host and port; with the attribute Domain also those to its subdomains; with
 * Secure, if it was set over HTTPS, only those over HTTPS. A cookie that RFC 6265 rejects has the scope of the host
 * that sent it.
 */
export function cookieScope(setCookie: string, from: CookieOrigin): string {
	const { Cookie } = toughCookie();
	const cookie = Cookie.parse(setCookie, { loose: true });
	const kept = cookie && newJar().setCookieSync(cookie, originUrl(from), { ignoreError: true });
	const isSecure = from.scheme === "https" && cookie?.secure === true;
	const domain = kept && kept.hostOnly === false ? `.${kept.domain}` : cookieDomain(from);
	return scopeKey(from, domain, isSecure);
}

/** The scopes (see `cookieScope`) of the cookies that apply to a request, the narrowest first. */
export function cookieScopes(to: CookieOrigin): string[] {
	const host = cookieDomain(to);
	const above = toughCookie().permuteDomain(host, true) ?? [host];
	const domains = [host, ...above.reverse().map((domain) => `.${domain}`)];
	return domains.flatMap((domain) =>
		to.scheme === "https" ? [scopeKey(to, domain, true), scopeKey(to, domain, false)] : [scopeKey(to, domain, false)],
	);
}

/**
 * The default ports of HTTP and HTTPS count as the same port, so that cookies of a login over HTTPS also apply to pages
 * over HTTP.
 */
function scopeKey({ scheme, port }: CookieOrigin, domain: string, isSecure: boolean): string {
	return `${isSecure ? "secure " : ""}${domain}:${port === defaultPort(scheme) ? "" : port}`;
}

function cookieDomain({ host }: CookieOrigin): string {
	return toughCookie().canonicalDomain(host) ?? host;
}

function newJar(): ToughCookie.CookieJar {
	return new (toughCookie().CookieJar)(undefined, {
		rejectPublicSuffixes: true,
		looseMode: true,
		allowSpecialUseDomain: true,
	});
}

function originUrl({ scheme, host, port, path }: CookieOrigin): string {
	return formatUrl(scheme, host, port, path.startsWith("/") ? path : "/");
}
