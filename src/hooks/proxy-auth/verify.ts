// Who may use the proxy: what the option proxyauth says, as a function of user and password.
import { createHash, timingSafeEqual } from "node:crypto";
import { FlowtapeError } from "../../errors.ts";

/** Whether user and password are right. */
export type Verify = (user: string, password: string) => boolean | Promise<boolean>;

/**
 * Understands `any`, `@htpasswd-file`, `ldap[s]:…` and `user:password`.
 * @param log told of what keeps a directory from being asked
 * @throws FlowtapeError FT_BAD_OPTION, and FT_UPSTREAM when a directory cannot be reached
 */
export async function createVerify(spec: string, log: (message: string) => void): Promise<Verify> {
	if (spec === "any") return () => true;
	if (spec.startsWith("@")) return (await import("./htpasswd.ts")).readHtpasswd(spec.slice(1));
	if (/^ldaps?:/.test(spec)) return (await import("./ldap.ts")).connectLdap(spec, log);
	const [, user, password] = /^([^:]+):(.*)$/s.exec(spec) ?? [];
	if (user === undefined || password === undefined)
		throw new FlowtapeError(
			"FT_BAD_OPTION",
			"any, USER:PASSWORD, @HTPASSWD-FILE or ldap[s]:HOST[:PORT]:DN:PASSWORD:SUBTREE[?search_filter_key=KEY] was expected",
		);
	const expected = digest(user, password);
	return (given, secret) => timingSafeEqual(digest(given, secret), expected);
}

/** Of one length, whatever was given: comparing takes the same time. */
function digest(user: string, password: string): Buffer {
	return createHash("sha256")
		.update(JSON.stringify([user, password]))
		.digest();
}
