// Password files as Apache's `htpasswd` writes them: `user:hash` a line, hashed with bcrypt, MD5 (apr1) or SHA-1. The only door to bcryptjs.
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { FlowtapeError } from "../../errors.ts";
import { expandHome } from "../../options.ts";
import { apr1 } from "./apr1.ts";

const BCRYPT = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;
const APR1 = /^\$apr1\$([^$]{1,8})\$[./A-Za-z0-9]{22}$/;
const SHA1 = /^\{SHA\}([A-Za-z0-9+/]{27}=)$/;

/** What was found of passwords, as their check may take a tenth of a second: of so many. */
const REMEMBERED = 1000;

/**
 * Reads a file, once: what is written to it later counts from the next start.
 * @throws FlowtapeError FT_BAD_OPTION when it cannot be read, or has a line that is not understood
 */
export async function readHtpasswd(written: string): Promise<(user: string, password: string) => Promise<boolean>> {
	const path = expandHome(written);
	const hashes = parse(path, read(path));
	// not with the first login: by then the process may be unable to open files, and Node keeps a failure for good
	if ([...hashes.values()].some((hash) => BCRYPT.test(hash))) await import("bcryptjs");
	const known = new Map<string, boolean>();
	// Somebody unknown takes as long to be refused as a user with a wrong password.
	const decoy = [...hashes.values()][0];
	let last: Promise<unknown> = Promise.resolve();
	const secret = randomBytes(32);
	return async (user, password) => {
		const hash = hashes.get(user);
		if (decoy === undefined) return false;
		const proof = createHmac("sha256", secret)
			.update(JSON.stringify([user, password]))
			.digest("base64");
		const before = known.get(proof);
		if (before !== undefined) return before;
		// One after the other: each gives way to the traffic now and then, many at once would not.
		const checked = last.then(() => known.get(proof) ?? check(password, hash ?? decoy));
		last = checked.catch(() => {});
		const isRight = (await checked) && hash !== undefined;
		if (known.size >= REMEMBERED) known.clear();
		known.set(proof, isRight);
		return isRight;
	};
}

function read(path: string): string {
	try {
		return readFileSync(path, "utf8");
	} catch (cause) {
		throw new FlowtapeError("FT_BAD_OPTION", `${path}: an htpasswd file was expected: ${(cause as Error).message}`, { file: path, cause });
	}
}

/** The hash of each user; of several lines for one user the last counts. */
function parse(path: string, text: string): Map<string, string> {
	const hashes = new Map<string, string>();
	for (const [index, written] of text.split("\n").entries()) {
		const line = written.trim();
		if (line === "" || line.startsWith("#")) continue;
		const [user = "", hash = ""] = line.split(":");
		if (user === "" || !(BCRYPT.test(hash) || APR1.test(hash) || SHA1.test(hash)))
			throw new FlowtapeError(
				"FT_BAD_OPTION",
				`${path}, line ${index + 1}: user:hash with a hash of bcrypt ($2y$), MD5 ($apr1$) or SHA-1 ({SHA}) was expected`,
				{
					file: path,
					record: index + 1,
				},
			);
		hashes.set(user, hash);
	}
	return hashes;
}

async function check(password: string, hash: string): Promise<boolean> {
	if (BCRYPT.test(hash)) return (await import("bcryptjs")).compare(password, hash);
	const salt = APR1.exec(hash)?.[1];
	const computed = salt === undefined ? `{SHA}${createHash("sha1").update(password).digest("base64")}` : apr1(password, salt);
	return computed.length === hash.length && timingSafeEqual(Buffer.from(computed), Buffer.from(hash));
}
