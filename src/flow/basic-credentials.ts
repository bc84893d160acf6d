// The user and password of Basic authentication, as a field of a request carries them.

/** User and password; the first colon ends the user (RFC 7617 section 2). null: there are none, or they cannot be understood. */
export function parseBasic(header: string | null): [user: string, password: string] | null {
	if (header === null) return null;
	const encoded = /^\s*basic\s+([A-Za-z0-9+/]+={0,2})\s*$/i.exec(header)?.[1];
	const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? "", "base64").toString()) ?? [];
	return user === undefined || password === undefined ? null : [user, password];
}
