// Password files of Apache's `htpasswd`: a `user:hash` per line, with bcrypt, MD5 (apr1) or SHA-1. The only importer of
// bcryptjs.
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { FlowtapeError } from "../../errors.ts";
import { expandHome } from "../../options.ts";
import { apr1 } from "./apr1.ts";

const BCRYPT = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;
const APR1 = /^\$apr1\$([^$]{1,8})\$[./A-Za-z0-9]{22}$/;
const SHA1 = /^\{SHA\}([A-Za-z0-9+/]{27}=)$/;

/** Maximum number of cached results. Checking a password may take a tenth of a second. */
const REMEMBERED = 1000;

/**
 * Reads the file once; later changes take effect at the next start.
 * @throws FlowtapeError FT_BAD_OPTION if it cannot be read, or has an invalid line
 */
export async function readHtpasswd(
	written: string,
): Promise<(user: string, password: string, isWanted?: () => boolean) => Promise<boolean>> {
	const path = expandHome(written);
	const hashes = parse(path, read(path));
	// not at the first login: the process may have run out of file descriptors by then, and Node caches a failed import
	if ([...hashes.values()].some((hash) => BCRYPT.test(hash))) await import("bcryptjs");
	const known = new Map<string, boolean>();
	// An unknown user is refused as slowly as a known user with a wrong password.
	const decoy = [...hashes.values()][0];
	const checks = new Checks();
	const secret = randomBytes(32);
	return async (user, password, isWanted = () => true) => {
		const hash = hashes.get(user);
		if (decoy === undefined) return false;
		const proof = createHmac("sha256", secret)
			.update(JSON.stringify([user, password]))
			.digest("base64");
		const before = known.get(proof);
		if (before !== undefined) return before;
		const checked = await checks.run(hash ?? "", () =>
			isWanted() ? (known.get(proof) ?? check(password, hash ?? decoy)) : null,
		);
		// the client has disconnected, so the password was not checked
		if (checked === null) return false;
		const isRight = checked && hash !== undefined;
		if (known.size >= REMEMBERED) known.clear();
		known.set(proof, isRight);
		return isRight;
	};
}

/**
 * Runs one check at a time. One check yields to the traffic now and then; many at once would not. The names take turns,
 * so that many attempts with one name do not delay other names. All unknown names count as one.
 */
class Checks {
	/** The waiting checks by the hash of their user; unknown users share an empty one. */
	readonly #waiting = new Map<string, (() => Promise<void>)[]>();
	#isRunning = false;

	run<T>(hash: string, check: () => T | Promise<T>): Promise<T> {
		return new Promise((resolve, reject) => {
			const work = async () => {
				try {
					resolve(await check());
				} catch (error) {
					reject(error);
				}
			};
			const others = this.#waiting.get(hash);
			if (others === undefined) this.#waiting.set(hash, [work]);
			else others.push(work);
			if (!this.#isRunning) void this.#runAll();
		});
	}

	async #runAll(): Promise<void> {
		this.#isRunning = true;
		for (let next = this.#waiting.entries().next(); !next.done; next = this.#waiting.entries().next()) {
			const [hash, works] = next.value;
			const work = works.shift();
			// the next check of this name comes after those of the others
			this.#waiting.delete(hash);
			if (works.length > 0) this.#waiting.set(hash, works);
			await work?.();
		}
		this.#isRunning = false;
	}
}

function read(path: string): string {
	try {
		return readFileSync(path, "utf8");
	} catch (cause) {
		throw new FlowtapeError("FT_BAD_OPTION", `${path}: expected an htpasswd file: ${(cause as Error).message}`, {
			file: path,
			cause,
		});
	}
}

/** The hash of each user; the last line of a user counts. */
function parse(path: string, text: string): Map<string, string> {
	const hashes = new Map<string, string>();
	for (const [index, written] of text.split("\n").entries()) {
		const line = written.trim();
		if (line === "" || line.startsWith("#")) continue;
		const [user = "", hash = ""] = line.split(":");
		if (user === "" || !(BCRYPT.test(hash) || APR1.test(hash) || SHA1.test(hash)))
			throw new FlowtapeError(
				"FT_BAD_OPTION",
				`${path}, line ${index + 1}: expected user:hash with bcrypt ($2y$), MD5 ($apr1$) or SHA-1 ({SHA})`,
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
	const computed =
		salt === undefined ? `{SHA}${createHash("sha1").update(password).digest("base64")}` : apr1(password, salt);
	return computed.length === hash.length && timingSafeEqual(Buffer.from(computed), Buffer.from(hash));
}
