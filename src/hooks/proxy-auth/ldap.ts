// Authentication with an LDAP directory: finds the user by name, and binds with the password. The only importer of
// ldapts.
import type { Client } from "ldapts";
import { FlowtapeError } from "../../errors.ts";
import { formatAuthority } from "../../flow/url.ts";

interface LdapSpec {
	url: string;
	/** The DN to search as. */
	dn: string;
	password: string;
	/** The base DN of users. */
	subtree: string;
	/** The attribute with the user name. */
	key: string;
}

/** Limit for connecting, and for each response. Milliseconds. */
const TIMEOUT_MS = 10_000;

const SPEC = /^(ldaps?):([^:[\]]+|\[[^\]]+\])(?::(\d+))?:([^:]*):([^:]*):([^:?]+)(?:\?search_filter_key=([\w.;-]+))?$/;

/** @throws FlowtapeError FT_BAD_OPTION */
export function parseLdapSpec(spec: string): LdapSpec {
	const [, scheme, host, port, dn = "", password = "", subtree = "", key = "cn"] = SPEC.exec(spec) ?? [];
	if (host === undefined || Number(port) > 65535)
		// Without the value: it contains a password.
		throw new FlowtapeError(
			"FT_BAD_OPTION",
			"expected ldap[s]:HOST[:PORT]:DN:PASSWORD:SUBTREE[?search_filter_key=KEY]",
		);
	const bare = host.replace(/^\[(.*)\]$/, "$1");
	return {
		url: `${scheme}://${formatAuthority(bare, Number(port ?? (scheme === "ldaps" ? 636 : 389)))}`,
		dn,
		password,
		subtree,
		key,
	};
}

/**
 * Binds once, so that errors show at the start.
 * @throws FlowtapeError FT_BAD_OPTION, FT_UPSTREAM
 */
export async function connectLdap(
	text: string,
	log: (message: string) => void,
): Promise<(user: string, password: string) => Promise<boolean>> {
	const spec = parseLdapSpec(text);
	try {
		await withSession(spec, spec.dn, spec.password, async () => {});
	} catch (cause) {
		throw new FlowtapeError(
			"FT_UPSTREAM",
			`the LDAP server ${spec.url} rejected the bind as ${spec.dn || "anonymous"}: ${messageOf(cause)}`,
			{ cause },
		);
	}
	return async (user, password) => {
		// A bind without a password is an unauthenticated one, which may succeed (RFC 4513 section 5.1.2).
		if (user === "" || password === "") return false;
		try {
			const dn = await withSession(spec, spec.dn, spec.password, (client) => find(client, spec, user));
			if (dn === null) return false;
			return await withSession(spec, dn, password, async () => true);
		} catch (error) {
			const { InvalidCredentialsError } = await import("ldapts");
			if (!(error instanceof InvalidCredentialsError))
				log(`the LDAP server ${spec.url} cannot be queried: ${messageOf(error)}`);
			return false;
		}
	};
}

/** Binds on a new connection and calls `use`. Connections are not kept, since servers close them at any time. */
async function withSession<T>(
	{ url }: LdapSpec,
	dn: string,
	password: string,
	use: (client: Client) => Promise<T>,
): Promise<T> {
	const { Client } = await import("ldapts");
	const client = new Client({ url, timeout: TIMEOUT_MS, connectTimeout: TIMEOUT_MS });
	try {
		await client.bind(dn, password);
		return await use(client);
	} finally {
		await client.unbind().catch(() => {});
	}
}

/** The DN of the first entry with this user name; null: there is none. */
async function find(client: Client, { subtree, key }: LdapSpec, user: string): Promise<string | null> {
	const { EqualityFilter } = await import("ldapts");
	// A filter object, so that the user name needs no escaping.
	const filter = new EqualityFilter({ attribute: key, value: user });
	const { searchEntries } = await client.search(subtree, { scope: "sub", filter, attributes: ["1.1"] });
	return searchEntries[0]?.dn ?? null;
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message || error.name : String(error);
}
