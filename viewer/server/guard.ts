// Decides which requests the viewer answers: those that name its own address, come from its own page, and have its token.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** A refusal: a status, and a sentence for people. */
export interface Refusal {
	readonly status: 401 | 403 | 421;
	readonly message: string;
}

/** Bytes of the token: 256 bits. */
const TOKEN_BYTES = 32;
/** How long the code in the link that opens the browser is valid. */
const CODE_MS = 60_000;

export class Guard {
	/** Lives as long as the process. */
	readonly token = randomBytes(TOKEN_BYTES).toString("base64url");
	readonly #hosts: ReadonlySet<string>;
	readonly #origins: ReadonlySet<string>;
	readonly #expected: Buffer;
	/** Codes that were not used yet, and when they end. */
	readonly #codes = new Map<string, number>();

	/**
	 * @param port the port that the server listens on
	 * @param allowed more names of this server, with or without a port: for a container or a reverse proxy
	 */
	constructor(port: number, allowed: readonly string[] = []) {
		const named = allowed.flatMap((name) => (/:\d+$/.test(name) ? [name] : [name, `${name}:${port}`]));
		this.#hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, ...named]);
		this.#origins = new Set([...this.#hosts].flatMap((host) => [`http://${host}`, `https://${host}`]));
		this.#expected = digest(this.token);
	}

	/** Whether the request names this server and comes from its own page. Call it before anything else. */
	checkSource({ headers }: IncomingMessage): Refusal | null {
		if (!this.#hosts.has(headers.host ?? ""))
			return { status: 421, message: "The viewer answers only to its own address." };
		const { origin, "sec-fetch-site": site, "sec-fetch-mode": mode } = headers;
		// an address that the user types has the site "none"
		const isOwnSite = site === undefined || site === "same-origin" || (site === "none" && mode === "navigate");
		const isOwn = isOwnSite && (origin === undefined || this.#origins.has(origin));
		return isOwn ? null : { status: 403, message: "The request comes from another site." };
	}

	/** Whether the request has the token, in the header Authorization. */
	checkToken({ headers }: IncomingMessage): Refusal | null {
		const [, given] = /^Bearer ([\w-]+)$/.exec(headers.authorization ?? "") ?? [];
		const isRight = given !== undefined && timingSafeEqual(digest(given), this.#expected);
		return isRight
			? null
			: { status: 401, message: "The token is missing or wrong: open the link that flowtape printed." };
	}

	/** A code that is exchanged for the token once, because other users can read the arguments of a process. */
	createCode(): string {
		const code = randomBytes(TOKEN_BYTES).toString("base64url");
		this.#codes.set(code, Date.now() + CODE_MS);
		return code;
	}

	/** The token for a code; null: the code is wrong, was used before, or is too old. */
	redeem(code: string): string | null {
		const end = this.#codes.get(code);
		this.#codes.delete(code);
		return end !== undefined && Date.now() < end ? this.token : null;
	}
}

/** Equal lengths, for a comparison in constant time. */
function digest(text: string): Buffer {
	return createHash("sha256").update(text).digest();
}

const POLICY = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"connect-src 'self'",
	"img-src 'self' blob:",
	"frame-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
	"require-trusted-types-for 'script'",
	"trusted-types 'none'",
].join("; ");

/** Headers of every answer. */
export const commonHeaders = {
	"X-Content-Type-Options": "nosniff",
	"Referrer-Policy": "no-referrer",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Cross-Origin-Embedder-Policy": "require-corp",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control": "no-store",
	"Content-Security-Policy": POLICY,
} as const;

/** Headers of recorded bytes: the browser saves them, and never shows them. */
export function attachmentHeaders(name: string): Record<string, string> {
	const safe = name
		.replace(/[^\w.-]+/g, "_")
		.slice(-100)
		.replace(/^\.+/, "_");
	return {
		"Content-Type": "application/octet-stream",
		"Content-Disposition": `attachment; filename="${safe}"`,
		"Content-Security-Policy": "sandbox; default-src 'none'",
	};
}
