// TLS with servers: trusted authorities, client certificates, versions and ciphers.
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import {
	type ConnectionOptions,
	createSecureContext,
	rootCertificates,
	type SecureContext,
	type SecureContextOptions,
} from "node:tls";
import { FlowtapeError, messageOf } from "../../errors.ts";
import type { OptionTable, OptionValues } from "../../options.ts";
import { ClientCertificates } from "./client-certificates.ts";
import { secureOptions, tlsVersionNames } from "./versions.ts";

export const options = {
	ssl_insecure: { type: "boolean", default: false, short: "k", help: "Do not verify the certificates of servers." },
	ssl_verify_upstream_trusted_ca: {
		type: "string",
		default: null,
		metavar: "PATH",
		help: "File of certificates (PEM) to trust in addition to the default ones.",
	},
	ssl_verify_upstream_trusted_confdir: {
		type: "string",
		default: null,
		metavar: "PATH",
		help: "Folder of certificates (PEM) to trust in addition to the default ones.",
	},
	client_certs: {
		type: "string",
		default: null,
		metavar: "PATH",
		help: "Client certificate and key (PEM) for servers that ask for one: a file, or a folder of files named after the servers, such as example.com.pem.",
	},
	tls_version_server_min: {
		type: "string",
		default: "TLS1_2",
		choices: tlsVersionNames,
		help: "Minimum TLS version for servers.",
	},
	tls_version_server_max: {
		type: "string",
		default: "UNBOUNDED",
		choices: tlsVersionNames,
		help: "Maximum TLS version for servers.",
	},
	ciphers_server: {
		type: "string",
		default: null,
		metavar: "LIST",
		help: "Ciphers for server connections, in OpenSSL's syntax.",
	},
} as const satisfies OptionTable;

/**
 * Reads the options once. A context takes milliseconds to create, so each is created for the first connection that
 * needs it.
 */
export class UpstreamTls {
	readonly #insecure: boolean;
	readonly #settings: SecureContextOptions;
	readonly #certificates: ClientCertificates;
	/** Contexts by the client certificate in PEM; "": no certificate. */
	readonly #contexts = new Map<string, SecureContext>();

	/** @throws FlowtapeError FT_BAD_OPTION if a file of certificates cannot be read, or settings contradict each other */
	constructor(values: OptionValues<typeof options>) {
		const extra = [
			...readFile(values.ssl_verify_upstream_trusted_ca),
			...readFolder(values.ssl_verify_upstream_trusted_confdir),
		];
		this.#insecure = values.ssl_insecure;
		this.#certificates = new ClientCertificates(values.client_certs);
		this.#settings = {
			...secureOptions("server", values.tls_version_server_min, values.tls_version_server_max, values.ciphers_server),
			...(extra.length === 0 ? {} : { ca: [...rootCertificates, ...trustedCertificates(), ...extra] }),
		};
	}

	/** The options of `tls.connect` for a server with this name or address. `protocols`: for ALPN. */
	optionsFor(name: string, protocols: readonly string[]): ConnectionOptions {
		return {
			secureContext: this.#contextFor(name),
			rejectUnauthorized: !this.#insecure,
			ALPNProtocols: protocols,
			// RFC 6066 section 3: a server name is never an address.
			...(isIP(name) === 0 ? { servername: name } : {}),
			...(isIP(name) === 6 ? { checkServerIdentity: (_host, { raw }) => checkAddress(name, raw) } : {}),
		};
	}

	#contextFor(name: string): SecureContext {
		const pem = this.#certificates.forServer(name) ?? "";
		let context = this.#contexts.get(pem);
		if (context === undefined) {
			context = createSecureContext({ ...this.#settings, ...(pem === "" ? {} : { cert: pem, key: pem }) });
			this.#contexts.set(pem, context);
		}
		return context;
	}
}

/** Advice to append to Node's error message if a server's alert ended the connection; "": no advice. */
export function adviceOnAlert(error: Error | null): string {
	const alert = /^ERR_SSL_\w*_ALERT_(\w+)$/.exec(String((error as NodeJS.ErrnoException | null)?.code))?.[1] ?? "";
	if (alert === "CERTIFICATE_REQUIRED") return "; the server requires a client certificate: set client_certs";
	if (/^(?:\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)$/.test(alert))
		return "; the server rejected the client certificate, or that there was none: set client_certs";
	// Up to TLS 1.2, servers also send this for a missing client certificate.
	if (alert === "HANDSHAKE_FAILURE")
		return "; the server may require a client certificate (client_certs), or other ciphers or TLS versions (ciphers_server, tls_version_server_min)";
	return "";
}

/** Checks that a certificate is for an IPv6 address, which some versions of Node (such as 22.23) treat as a name. */
function checkAddress(address: string, certificate: Buffer): Error | undefined {
	const leaf = new X509Certificate(certificate);
	return leaf.checkIP(address) === undefined
		? new Error(`the certificate is for ${leaf.subjectAltName ?? "no address"}, not for ${address}`)
		: undefined;
}

const CERTIFICATE = "-----BEGIN CERTIFICATE-----";

function readFile(path: string | null): string[] {
	if (path === null) return [];
	const pem = attempt("ssl_verify_upstream_trusted_ca", path, () => readFileSync(path, "latin1"));
	if (!pem.includes(CERTIFICATE))
		throw new FlowtapeError("FT_BAD_OPTION", `ssl_verify_upstream_trusted_ca: ${path} contains no certificate in PEM`, {
			file: path,
		});
	return [pem];
}

function readFolder(path: string | null): string[] {
	if (path === null) return [];
	return attempt("ssl_verify_upstream_trusted_confdir", path, () =>
		readdirSync(path, { withFileTypes: true })
			.filter((entry) => !entry.isDirectory())
			.map((entry) => readFileSync(join(path, entry.name), "latin1"))
			.filter((pem) => pem.includes(CERTIFICATE)),
	);
}

function attempt<T>(option: string, path: string, read: () => T): T {
	try {
		return read();
	} catch (cause) {
		const why = messageOf(cause);
		throw new FlowtapeError("FT_BAD_OPTION", `${option}: the certificates cannot be read: ${why}`, {
			file: path,
			cause,
		});
	}
}

/** The authorities of NODE_EXTRA_CA_CERTS, which Node ignores once `ca` is set. */
function trustedCertificates(): string[] {
	const path = process.env.NODE_EXTRA_CA_CERTS;
	if (!path) return [];
	try {
		return [readFileSync(path, "latin1")];
	} catch {
		return [];
	}
}
