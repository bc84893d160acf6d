// The authorities that a child command is to trust: the machine's and the user's own, and ours. Most tools replace their default
// bundle with the file that a variable names, so ours alone would break whatever does not pass through the proxy.
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type * as Tls from "node:tls";
import { FlowtapeError, hasErrno } from "../errors.ts";

/** Variables whose file replaces a tool's default authorities. */
export const replacingVariables = [
	"SSL_CERT_FILE", // OpenSSL, and with it Python, Ruby, PHP, Perl; Go; rustls; .NET
	"NIX_SSL_CERT_FILE", // what Nix builds
	"CURL_CA_BUNDLE", // curl, Python's requests
	"REQUESTS_CA_BUNDLE", // Python's requests
	"PIP_CERT",
	"AWS_CA_BUNDLE", // the AWS command line and SDKs
	"GIT_SSL_CAINFO",
	"CARGO_HTTP_CAINFO",
	"PERL_LWP_SSL_CA_FILE",
	"BUNDLE_SSL_CA_CERT", // Ruby's bundler
	"HTTPLIB2_CA_CERTS",
	"CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
	"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
] as const;

/** Variables whose file is added to a tool's default authorities. */
export const addingVariables = ["NODE_EXTRA_CA_CERTS", "DENO_CERT"] as const;

/** Where systems keep the authorities they trust, as Go looks for them: Debian, Fedora, openSUSE, RHEL, Alpine and the BSDs. */
const systemBundles = [
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
];

/** The same authorities twice. */
export interface TrustBundle {
	/** Path of the certificates in PEM. */
	pemFile: string;
	/** Path of a Java key store (JKS) of them; needs no password to be read. */
	javaFile: string;
}

/**
 * Writes the bundle for a child with the environment `env` into `folder`, unless it stands there already as it should be. Files that the
 * user's variables name are merged in: a child goes on trusting what it trusted before. Throws FT_CA.
 */
export function writeTrustBundle(folder: string, certificatePem: string, env: NodeJS.ProcessEnv): TrustBundle {
	const userFiles = [...new Set([...replacingVariables, ...addingVariables].flatMap((name) => env[name] || []))].sort();
	const texts = [systemRoots(), ...userFiles.map(readReadable), certificatePem];
	const certificates = [...new Set(texts.flatMap(certificatesIn))];
	// Children of different environments run at the same time, each with a file of its own.
	const suffix = userFiles.length > 0 ? `-${createHash("sha256").update(userFiles.join("\n")).digest("hex").slice(0, 8)}` : "";
	const bundle = { pemFile: join(folder, `trust-bundle${suffix}.pem`), javaFile: join(folder, `trust-bundle${suffix}.jks`) };
	const text = certificates.map((base64) => `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`).join("");
	try {
		if (readReadable(bundle.pemFile) === text && readReadable(bundle.javaFile) !== "") return bundle;
		mkdirSync(folder, { recursive: true, mode: 0o700 });
		// The PEM file last: it stands for both.
		replaceFile(bundle.javaFile, javaKeyStore(certificates));
		replaceFile(bundle.pemFile, text);
	} catch (cause) {
		const reason = cause instanceof Error ? cause.message : String(cause);
		throw new FlowtapeError("FT_CA", `the authorities for child commands cannot be written: ${reason}`, { file: bundle.pemFile, cause });
	}
	return bundle;
}

/** Readers see the old content or the new, never a part. */
function replaceFile(file: string, content: string | Uint8Array): void {
	const draft = `${file}.${randomBytes(6).toString("hex")}.tmp`;
	try {
		writeFileSync(draft, content, { mode: 0o644, flag: "wx" });
		renameSync(draft, file);
	} catch (error) {
		rmSync(draft, { force: true });
		throw error;
	}
}

function systemRoots(): string {
	for (const file of systemBundles) {
		const text = readReadable(file);
		if (text !== "") return text;
	}
	return (createRequire(import.meta.url)("node:tls") as typeof Tls).rootCertificates.join("\n");
}

/** A variable may name a file that is not there; the tool itself will say so, or never did. */
function readReadable(file: string): string {
	try {
		return readFileSync(file, "utf8");
	} catch (error) {
		if (hasErrno(error, "ENOENT", "EACCES", "EISDIR", "ENOTDIR")) return "";
		throw error;
	}
}

/** The base64 of each certificate of a text in PEM, in its lines; comments, keys and whatever else stands there are left out. */
function certificatesIn(text: string): string[] {
	const blocks = text.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g);
	return Array.from(blocks, ([, body = ""]) => body.trim().replace(/\s+/g, "\n"));
}

/**
 * A key store in the format that every Java reads, written by hand, as only a JDK has keytool and it takes a second for each certificate:
 * entries of trusted certificates, then a SHA-1 over them, the password every Java starts with, and a phrase of Sun's.
 */
function javaKeyStore(certificates: readonly string[]): Buffer {
	const trustedCertificate = 2;
	const entries = certificates.map((base64, at) => {
		const certificate = Buffer.from(base64, "base64");
		const created = Buffer.alloc(8);
		return Buffer.concat([int32(trustedCertificate), utf(`flowtape-${at}`), created, utf("X.509"), int32(certificate.length), certificate]);
	});
	const store = Buffer.concat([int32(0xfeedfeed), int32(2), int32(entries.length), ...entries]);
	const digest = createHash("sha1").update(Buffer.from("changeit", "utf16le").swap16()).update("Mighty Aphrodite").update(store).digest();
	return Buffer.concat([store, digest]);
}

function int32(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(value);
	return bytes;
}

/** Java's DataOutput.writeUTF, for ASCII. */
function utf(text: string): Buffer {
	const bytes = Buffer.alloc(2 + text.length);
	bytes.writeUInt16BE(text.length);
	bytes.write(text, 2, "latin1");
	return bytes;
}
