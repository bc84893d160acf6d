// The CA bundle for child commands: the system's authorities, the user's, and ours. Most tools replace their default
// bundle with the file that a variable names, so a bundle with our authority alone would break connections that bypass
// the proxy.
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type * as Tls from "node:tls";
import { FlowtapeError, hasErrno, messageOf } from "../errors.ts";
import { lazily } from "../lazy.ts";

/** Variables whose file replaces a tool's default authorities. */
export const replacingVariables = [
	"SSL_CERT_FILE", // OpenSSL, and through it Python, Ruby, PHP, Perl; Go; rustls; .NET
	"NIX_SSL_CERT_FILE", // programs built by Nix
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

/**
 * Where systems keep their CA bundles (the list of Go's crypto/x509): Debian, Fedora, openSUSE, RHEL, Alpine and the
 * BSDs.
 */
const systemBundles = [
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
];

/** The files of a bundle: the same authorities in two formats, and PHP's configuration. */
export interface TrustBundle {
	/** Path of the PEM file. */
	pemFile: string;
	/** Path of the Java key store (JKS), which can be read without a password. */
	javaFile: string;
	/** Path of a folder with a configuration file that names the PEM file to PHP. */
	phpFolder: string;
}

/**
 * Writes the bundle for a child with the environment `env` into `folder`, unless an identical one is there. Files that
 * the user's variables name are merged in, so that the child still trusts the same authorities as before.
 * @throws FlowtapeError FT_CA
 */
export function writeTrustBundle(folder: string, certificatePem: string, env: NodeJS.ProcessEnv): TrustBundle {
	const userFiles = [...new Set([...replacingVariables, ...addingVariables].flatMap((name) => env[name] || []))].sort();
	const texts = [systemRoots(), ...userFiles.map(readReadable), certificatePem];
	const certificates = [...new Set(texts.flatMap(certificatesIn))];
	// Children with different environments can run at the same time, so each gets its own file.
	const suffix =
		userFiles.length > 0 ? `-${createHash("sha256").update(userFiles.join("\n")).digest("hex").slice(0, 8)}` : "";
	const bundle = {
		pemFile: join(folder, `trust-bundle${suffix}.pem`),
		javaFile: join(folder, `trust-bundle${suffix}.jks`),
		phpFolder: join(folder, `php${suffix}`),
	};
	const phpFile = join(bundle.phpFolder, "flowtape.ini");
	const phpText = ["curl.cainfo", "openssl.cafile"]
		.map((name) => `${name} = ${quoteForPhp(bundle.pemFile)}\n`)
		.join("");
	const text = certificates
		.map((base64) => `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`)
		.join("");
	try {
		const isWritten =
			readReadable(bundle.pemFile) === text &&
			readReadable(bundle.javaFile) !== "" &&
			readReadable(phpFile) === phpText;
		if (isWritten) return bundle;
		mkdirSync(bundle.phpFolder, { recursive: true, mode: 0o700 });
		replaceFileSync(phpFile, phpText);
		// The PEM file is written last: if it is current, the check above takes the key store for current, too.
		replaceFileSync(bundle.javaFile, javaKeyStore(certificates));
		replaceFileSync(bundle.pemFile, text);
	} catch (cause) {
		const reason = messageOf(cause);
		throw new FlowtapeError("FT_CA", `the CA bundle for child commands cannot be written: ${reason}`, {
			file: bundle.pemFile,
			cause,
		});
	}
	return bundle;
}

/**
 * A quoted string of a PHP configuration file. Only double quotes are escaped: before anything else, a backslash is
 * literal.
 */
function quoteForPhp(text: string): string {
	return `"${text.replaceAll('"', '\\"')}"`;
}

/** Replaces a file atomically: readers see either the old content or the new. */
function replaceFileSync(file: string, content: string | Uint8Array): void {
	const draft = `${file}.${randomBytes(6).toString("hex")}.tmp`;
	try {
		writeFileSync(draft, content, { mode: 0o644, flag: "wx" });
		renameSync(draft, file);
	} catch (error) {
		rmSync(draft, { force: true });
		throw error;
	}
}

const tls = lazily<typeof Tls>("node:tls");

function systemRoots(): string {
	for (const file of systemBundles) {
		const text = readReadable(file);
		if (text !== "") return text;
	}
	return tls().rootCertificates.join("\n");
}

/** The text of a file; empty if it cannot be read. If a variable names a missing file, the tool reports it. */
function readReadable(file: string): string {
	try {
		return readFileSync(file, "utf8");
	} catch (error) {
		if (hasErrno(error, "ENOENT", "EACCES", "EISDIR", "ENOTDIR")) return "";
		throw error;
	}
}

/**
 * The base64 of each certificate in a PEM text, with its line breaks. Everything else, such as comments and keys, is
 * left out.
 */
function certificatesIn(text: string): string[] {
	const blocks = text.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g);
	return Array.from(blocks, ([, body = ""]) => body.trim().replace(/\s+/g, "\n"));
}

/**
 * A key store in the JKS format, which every Java reads: entries of trusted certificates, then a SHA-1 over Java's
 * default password, a constant phrase, and the entries. keytool is not used: it may be missing, and takes a second per
 * certificate.
 */
function javaKeyStore(certificates: readonly string[]): Buffer {
	const trustedCertificate = 2;
	const entries = certificates.map((base64, at) => {
		const certificate = Buffer.from(base64, "base64");
		const created = Buffer.alloc(8);
		return Buffer.concat([
			int32(trustedCertificate),
			utf(`flowtape-${at}`),
			created,
			utf("X.509"),
			int32(certificate.length),
			certificate,
		]);
	});
	const store = Buffer.concat([int32(0xfeedfeed), int32(2), int32(entries.length), ...entries]);
	const digest = createHash("sha1")
		.update(Buffer.from("changeit", "utf16le").swap16())
		.update("Mighty Aphrodite")
		.update(store)
		.digest();
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
