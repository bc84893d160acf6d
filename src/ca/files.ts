// The authority's files: finds, reads, checks and creates them. Processes that start at the same time end up with the
// same authority.
import { createPrivateKey, type KeyObject, randomBytes, X509Certificate } from "node:crypto";
import { chmod, link, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { FlowtapeError, hasErrno } from "../errors.ts";
import { expandHome } from "../options.ts";

/** Private key and certificate, for the proxy only. */
const authorityFileName = "flowtape-ca.pem";
/** The certificate only, for clients. */
const certificateFileName = "flowtape-ca-cert.pem";

/**
 * The folder of the authority and of the user's defaults: $FLOWTAPE_HOME, else `flowtape` in the platform's config
 * folder.
 */
export function homeFolder(env: NodeJS.ProcessEnv): string {
	const home = env.HOME || homedir();
	if (env.FLOWTAPE_HOME) return resolve(expandHome(env.FLOWTAPE_HOME, home));
	if (process.platform === "win32" && env.APPDATA) return join(env.APPDATA, "flowtape");
	// The XDG specification says to ignore relative paths.
	const config = env.XDG_CONFIG_HOME?.startsWith("/") ? env.XDG_CONFIG_HOME : join(home, ".config");
	return join(config, "flowtape");
}

/** An authority that was read and passed all checks. */
export interface AuthorityFiles {
	key: KeyObject;
	certificate: X509Certificate;
	/** Path of the file that holds only the certificate. */
	certificateFile: string;
}

/** How to read an authority. */
export interface ReadOptions {
	/** Create one if there is none (default true). */
	create?: boolean;
	/** Type of a new key: `rsa` (default) or `ec`. */
	keyType?: "rsa" | "ec" | undefined;
	/** Size of a new RSA key in bits (default 2048). */
	keySize?: number | undefined;
	/** Called with a message for each problem that was fixed or is not fatal, such as a key that others can read. */
	warn?: (message: string) => void;
	/** notBefore of a new authority; default: two days ago. */
	validFrom?: Date | undefined;
}

/**
 * Reads the authority in a folder, and creates it if there is none.
 * @throws FlowtapeError FT_CA if it is missing, unreadable, damaged or expired
 */
export async function readAuthority(folder: string, options: ReadOptions = {}): Promise<AuthorityFiles> {
	const file = join(folder, authorityFileName);
	try {
		const pem = (await readIfThere(file)) ?? (await make(folder, file, options));
		const { key, certificate } = check(file, pem);
		warnIfEarly(file, certificate, options.warn);
		await makePrivate(file, options.warn);
		const certificateFile = join(folder, certificateFileName);
		const text = certificate.toString();
		if ((await readIfThere(certificateFile)) !== text) await replaceFile(certificateFile, text, 0o644);
		return { key, certificate, certificateFile };
	} catch (error) {
		if (error instanceof FlowtapeError || !(error instanceof Error)) throw error;
		const advice = "give yourself access to the folder, or name another one with FLOWTAPE_HOME";
		throw new FlowtapeError(
			"FT_CA",
			`the certificate authority in ${folder} cannot be read or written: ${error.message}; ${advice}`,
			{
				file,
				cause: error,
			},
		);
	}
}

/** Replaces a file atomically: readers see either the old content or the new. `mode`: its permissions. */
export async function replaceFile(file: string, content: string | Uint8Array, mode: number): Promise<void> {
	const draft = await writeDraft(file, content, mode);
	try {
		await rename(draft, file);
	} catch (error) {
		await rm(draft, { force: true });
		throw error;
	}
}

/** The text of a file; undefined if there is no such file. */
export async function readIfThere(file: string): Promise<string | undefined> {
	try {
		return await readFile(file, "utf8");
	} catch (error) {
		if (hasErrno(error, "ENOENT")) return undefined;
		throw error;
	}
}

async function make(
	folder: string,
	file: string,
	{ create = true, keyType, keySize, validFrom }: ReadOptions,
): Promise<string> {
	if (!create) {
		throw new FlowtapeError(
			"FT_CA",
			`there is no certificate authority in ${folder}; make one with: flowtape ca create`,
			{ file },
		);
	}
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const { createAuthority } = await import("./create.ts");
	const { keyPem, certificatePem } = await createAuthority(undefined, { keyType, keySize, from: validFrom });
	const draft = await writeDraft(file, keyPem + certificatePem, 0o600);
	try {
		// Unlike `rename`, `link` fails if another process was faster: then this process uses that authority.
		await link(draft, file);
	} catch (error) {
		// Some file systems have no hard links: there the last process wins.
		if (!hasErrno(error, "EEXIST")) await rename(draft, file);
	} finally {
		await rm(draft, { force: true });
	}
	return readFile(file, "utf8");
}

async function writeDraft(file: string, content: string | Uint8Array, mode: number): Promise<string> {
	const draft = `${file}.${randomBytes(6).toString("hex")}.tmp`;
	await writeFile(draft, content, { mode, flag: "wx" });
	return draft;
}

function check(file: string, pem: string): { key: KeyObject; certificate: X509Certificate } {
	const wrong = (what: string, cause?: unknown): FlowtapeError => {
		const advice = `remove ${file} and start again to get a new authority (clients must then trust the new one)`;
		return new FlowtapeError("FT_CA", `${file}: ${what}; ${advice}`, { file, cause });
	};
	let key: KeyObject;
	let certificate: X509Certificate;
	try {
		key = createPrivateKey(pem);
		certificate = new X509Certificate(pem);
	} catch (cause) {
		throw wrong("expected a private key and a certificate in PEM; the file is damaged or holds something else", cause);
	}
	if (!certificate.ca) throw wrong("the certificate is not that of an authority (basicConstraints without CA)");
	if (!certificate.checkPrivateKey(key)) throw wrong("the private key does not belong to the certificate");
	if (key.asymmetricKeyType !== "rsa" && key.asymmetricKeyType !== "ec") {
		throw wrong(`expected an RSA or EC key, found one of type ${key.asymmetricKeyType}`);
	}
	if (Date.parse(certificate.validTo) <= Date.now()) throw wrong(`the certificate expired on ${certificate.validTo}`);
	return { key, certificate };
}

/** Clients whose clock is right trust the certificate even if the clock here is behind. */
function warnIfEarly(file: string, { validFrom }: X509Certificate, warn: ReadOptions["warn"]): void {
	const now = new Date();
	if (Date.parse(validFrom) <= now.getTime()) return;
	warn?.(
		`${file}: the certificate is not valid before ${validFrom}, but the clock shows ${now.toUTCString()}: clients with this clock reject it; set the clock, or remove ${file} to get a new authority`,
	);
}

/** Anyone who can read the key can decrypt the traffic of all clients that trust the authority. */
async function makePrivate(file: string, warn: ReadOptions["warn"]): Promise<void> {
	if (process.platform === "win32") return;
	const { mode } = await stat(file);
	if ((mode & 0o077) === 0) return;
	const found = `${file}: others can read the key of the certificate authority (mode ${(mode & 0o777).toString(8)})`;
	try {
		await chmod(file, 0o600);
		warn?.(`${found}; changed to 600, for you only`);
	} catch (error) {
		// A container may mount the key as a secret: read-only, or owned by another user.
		if (!hasErrno(error, "EPERM", "EACCES", "EROFS")) throw error;
		warn?.(
			`${found}, and the mode cannot be changed; keep others off this machine, or name another folder with FLOWTAPE_HOME`,
		);
	}
}
