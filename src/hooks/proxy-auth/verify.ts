// Compiles the option proxyauth into a function that checks user and password.
import { createHash, timingSafeEqual } from "node:crypto";
import { FlowtapeError } from "../../errors.ts";

/**
 * Checks user and password. If other checks come first, `isWanted` is called before this one: whether the client is
 * still connected.
 */
export type Verify = (user: string, password: string, isWanted?: () => boolean) => boolean | Promise<boolean>;

/**
 * Accepts `any`, `@htpasswd-file`, `ldap[s]:…` and `user:password`.
 * @param log called when a directory cannot be queried
 * @throws FlowtapeError FT_BAD_OPTION, or FT_UPSTREAM if a directory cannot be reached
 */
export async function createVerify(spec: string, log: (message: string) => void): Promise<Verify> {
	if (spec === "any") return () => true;
	if (spec.startsWith("@")) return (await import("./htpasswd.ts")).readHtpasswd(spec.slice(1));
	if (/^ldaps?:/.test(spec)) return (await import("./ldap.ts")).connectLdap(spec, log);
	const [, user, password] = /^([^:]+):(.*)$/s.exec(spec) ?? [];
	if (user === undefined || password === undefined)
		throw new FlowtapeError(
			"FT_BAD_OPTION",
			"expected any, USER:PASSWORD, @HTPASSWD-FILE or ldap[s]:HOST[:PORT]:DN:PASSWORD:SUBTREE[?search_filter_key=KEY]",
		);
	const expected = digest(user, password);
	return (given, secret) => timingSafeEqual(digest(given, secret), expected);
}

/** Digests have the same length, so comparing them takes constant time. */
function digest(user: string, password: string): Buffer {
	return createHash("sha256")
		.update(JSON.stringify([user, password]))
		.digest();
}
