// Users of an LDAP directory: whoever is found by name, and can log in there with the password. The only door to ldapts.
import type { Client } from "ldapts";
import { FlowtapeError } from "../../errors.ts";
import { formatAuthority } from "../../flow/url.ts";

interface LdapSpec {
	url: string;
	/** Whom we search as. */
	dn: string;
	password: string;
	/** Where users are. */
	subtree: string;
	/** The attribute that holds the name of a user. */
	key: string;
}

/** For connecting, and for an answer. */
const PATIENCE_MS = 10_000;

const SPEC = /^(ldaps?):([^:[\]]+|\[[^\]]+\])(?::(\d+))?:([^:]*):([^:]*):([^:?]+)(?:\?search_filter_key=([\w.;-]+))?$/;

/** @throws FlowtapeError FT_BAD_OPTION */
export function parseLdapSpec(spec: string): LdapSpec {
	const [, scheme, host, port, dn = "", password = "", subtree = "", key = "cn"] = SPEC.exec(spec) ?? [];
	if (host === undefined || Number(port) > 65535)
		// Not what was found: there is a password in it.
		throw new FlowtapeError("FT_BAD_OPTION", "ldap[s]:HOST[:PORT]:DN:PASSWORD:SUBTREE[?search_filter_key=KEY] was expected");
	const bare = host.replace(/^\[(.*)\]$/, "$1");
	return { url: `${scheme}://${formatAuthority(bare, Number(port ?? (scheme === "ldaps" ? 636 : 389)))}`, dn, password, subtree, key };
}

/**
 * Logs in once, so that what is wrong shows at the start.
 * @throws FlowtapeError FT_BAD_OPTION, FT_UPSTREAM
 */
export async function connectLdap(text: string, log: (message: string) => void): Promise<(user: string, password: string) => Promise<boolean>> {
	const spec = parseLdapSpec(text);
	try {
		await session(spec, spec.dn, spec.password, async () => {});
	} catch (cause) {
		throw new FlowtapeError("FT_UPSTREAM", `the LDAP server ${spec.url} lets ${spec.dn || "nobody"} not in: ${wordsOf(cause)}`, { cause });
	}
	return async (user, password) => {
		// A login without a password would be an anonymous one, which succeeds (RFC 4513 section 5.1.2).
		if (user === "" || password === "") return false;
		try {
			const dn = await session(spec, spec.dn, spec.password, (client) => find(client, spec, user));
			if (dn === null) return false;
			return await session(spec, dn, password, async () => true);
		} catch (error) {
			const { InvalidCredentialsError } = await import("ldapts");
			if (!(error instanceof InvalidCredentialsError)) log(`the LDAP server ${spec.url} cannot be asked: ${wordsOf(error)}`);
			return false;
		}
	};
}

/** Does something as somebody, on a connection of its own: those that are kept are closed by servers at any time. */
async function session<T>({ url }: LdapSpec, dn: string, password: string, use: (client: Client) => Promise<T>): Promise<T> {
	const { Client } = await import("ldapts");
	const client = new Client({ url, timeout: PATIENCE_MS, connectTimeout: PATIENCE_MS });
	try {
		await client.bind(dn, password);
		return await use(client);
	} finally {
		await client.unbind().catch(() => {});
	}
}

/** The first entry of this name. */
async function find(client: Client, { subtree, key }: LdapSpec, user: string): Promise<string | null> {
	const { EqualityFilter } = await import("ldapts");
	// As a value: in the text of a filter, what is special in it would have to be escaped.
	const filter = new EqualityFilter({ attribute: key, value: user });
	const { searchEntries } = await client.search(subtree, { scope: "sub", filter, attributes: ["1.1"] });
	return searchEntries[0]?.dn ?? null;
}

function wordsOf(error: unknown): string {
	return error instanceof Error ? error.message || error.name : String(error);
}
