// Where the certificate authority lies on disk, and how it is read, checked and made there once. Never two at a time: processes that
// start together end with the same authority.
import { createPrivateKey, type KeyObject, randomBytes, X509Certificate } from "node:crypto";
import { chmod, link, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { FlowtapeError, hasErrno } from "../errors.ts";
import { expandHome } from "../options.ts";

/** Key and certificate, for the proxy alone. */
export const authorityFileName = "flowtape-ca.pem";
/** The certificate alone, for clients. */
export const certificateFileName = "flowtape-ca-cert.pem";

/** The folder of the authority and of the user's defaults: $FLOWTAPE_HOME, else `flowtape` in the platform's config folder. */
export function homeFolder(env: NodeJS.ProcessEnv): string {
	const home = env.HOME || homedir();
	if (env.FLOWTAPE_HOME) return resolve(expandHome(env.FLOWTAPE_HOME, home));
	if (process.platform === "win32" && env.APPDATA) return join(env.APPDATA, "flowtape");
	// The XDG specification wants relative paths to be ignored.
	const config = env.XDG_CONFIG_HOME?.startsWith("/") ? env.XDG_CONFIG_HOME : join(home, ".config");
	return join(config, "flowtape");
}

/** An authority that was read and found to be in order. */
export interface AuthorityFiles {
	key: KeyObject;
	certificate: X509Certificate;
	/** Path of the certificate alone. */
	certificateFile: string;
}

/** How to read an authority. */
export interface ReadOptions {
	/** Make one where there is none (default true). */
	create?: boolean;
	/** Size of the new authority's key in bits (default 2048). */
	keySize?: number | undefined;
	/** Told about what was found wrong and put right. */
	warn?: (message: string) => void;
	/** Since when one that is made is valid; default: for a short time. */
	validFrom?: Date | undefined;
}

/** Reads the authority of a folder, making it where there is none. Throws FT_CA when it is missing, damaged, foreign or expired. */
export async function readAuthority(folder: string, options: ReadOptions = {}): Promise<AuthorityFiles> {
	const file = join(folder, authorityFileName);
	try {
		const pem = (await readIfThere(file)) ?? (await make(folder, file, options));
		const { key, certificate } = check(file, pem);
		await closeToOthers(file, options.warn);
		const certificateFile = join(folder, certificateFileName);
		const text = certificate.toString();
		if ((await readIfThere(certificateFile)) !== text) await replaceFile(certificateFile, text, 0o644);
		return { key, certificate, certificateFile };
	} catch (error) {
		if (error instanceof FlowtapeError || !(error instanceof Error)) throw error;
		const advice = "make the folder yours, or name another one with FLOWTAPE_HOME";
		throw new FlowtapeError("FT_CA", `the certificate authority in ${folder} cannot be read or written: ${error.message}; ${advice}`, {
			file,
			cause: error,
		});
	}
}

/** Writes a file so that readers see the old content or the new, never a part. */
export async function replaceFile(file: string, content: string | Uint8Array, mode: number): Promise<void> {
	const draft = await writeDraft(file, content, mode);
	try {
		await rename(draft, file);
	} catch (error) {
		await rm(draft, { force: true });
		throw error;
	}
}

/** The text of a file, or undefined where there is none. */
export async function readIfThere(file: string): Promise<string | undefined> {
	try {
		return await readFile(file, "utf8");
	} catch (error) {
		if (hasErrno(error, "ENOENT")) return undefined;
		throw error;
	}
}

async function make(folder: string, file: string, { create = true, keySize, validFrom }: ReadOptions): Promise<string> {
	if (!create) {
		throw new FlowtapeError("FT_CA", `there is no certificate authority in ${folder}; make one with: flowtape ca create`, { file });
	}
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const { createAuthority } = await import("./create.ts");
	const { keyPem, certificatePem } = await createAuthority(undefined, keySize, validFrom);
	const draft = await writeDraft(file, keyPem + certificatePem, 0o600);
	try {
		// A link, unlike a rename, fails where another process was faster: then its authority is ours as well.
		await link(draft, file);
	} catch (error) {
		// Some file systems have no links: there the last one wins.
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
		const advice = `remove ${file} and start again to get a new authority (clients that trusted the old one must be told)`;
		return new FlowtapeError("FT_CA", `${file}: ${what}; ${advice}`, { file, cause });
	};
	let key: KeyObject;
	let certificate: X509Certificate;
	try {
		key = createPrivateKey(pem);
		certificate = new X509Certificate(pem);
	} catch (cause) {
		throw wrong("a private key and a certificate in PEM were expected, what stands there is damaged or something else", cause);
	}
	if (!certificate.ca) throw wrong("the certificate is not one of an authority (basicConstraints without CA)");
	if (!certificate.checkPrivateKey(key)) throw wrong("the private key does not belong to the certificate");
	if (key.asymmetricKeyType !== "rsa" && key.asymmetricKeyType !== "ec") {
		throw wrong(`the key is of type ${key.asymmetricKeyType}, RSA or EC was expected`);
	}
	if (Date.parse(certificate.validTo) <= Date.now()) throw wrong(`the certificate expired on ${certificate.validTo}`);
	return { key, certificate };
}

/** Whoever reads the key can read the traffic of everyone who trusts the authority. */
async function closeToOthers(file: string, warn: ReadOptions["warn"]): Promise<void> {
	if (process.platform === "win32") return;
	const { mode } = await stat(file);
	if ((mode & 0o077) === 0) return;
	const found = `${file}: others can read the key of the certificate authority (mode ${(mode & 0o777).toString(8)})`;
	try {
		await chmod(file, 0o600);
		warn?.(`${found}; it is for you alone now (600)`);
	} catch (error) {
		// A secret that a container mounts: read-only, or another user's.
		if (!hasErrno(error, "EPERM", "EACCES", "EROFS")) throw error;
		warn?.(`${found}, and it cannot be changed; keep others out of this machine, or use another folder with FLOWTAPE_HOME`);
	}
}
