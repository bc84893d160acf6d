// TLS with clients: versions, ciphers, and the user's own certificates in place of generated ones.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type { CertificateAuthority, LeafIssuer, LeafRequest } from "../../ca/authority.ts";
import { namesOf } from "../../ca/certificate-names.ts";
import { normalizeNames } from "../../ca/leaf.ts";
import type { Leaf } from "../../ca/leaf-contexts.ts";
import { FlowtapeError } from "../../errors.ts";
import { expandHome, type OptionTable, type OptionValues } from "../../options.ts";
import { secureOptions, tlsVersionNames } from "./versions.ts";

export const options = {
	certs: {
		type: "sequence",
		default: [],
		metavar: "[DOMAIN=]PATH",
		help: "Use this certificate for a domain such as *.example.com, or for all domains if none is given. The PEM file has the certificate, its chain and its key, which may be left out if it is the authority's.",
	},
	cert_passphrase: {
		type: "string",
		default: null,
		metavar: "TEXT",
		help: "Passphrase of the keys in certs. Better set FLOWTAPE_CERT_PASSPHRASE: other users of the machine can see command lines.",
	},
	tls_version_client_min: {
		type: "string",
		default: "TLS1_2",
		choices: tlsVersionNames,
		help: "Minimum TLS version for clients.",
	},
	tls_version_client_max: {
		type: "string",
		default: "UNBOUNDED",
		choices: tlsVersionNames,
		help: "Maximum TLS version for clients.",
	},
	ciphers_client: {
		type: "string",
		default: null,
		metavar: "LIST",
		help: "Ciphers for client connections, in OpenSSL's syntax.",
	},
	key_size: {
		type: "integer",
		default: 2048,
		min: 2048,
		max: 16384,
		metavar: "BITS",
		help: "Size of the RSA key when a certificate authority is created. Without this option, an ephemeral authority has an elliptic curve key (P-256).",
	},
} as const satisfies OptionTable;

type Values = OptionValues<typeof options>;

/**
 * The options of TLS contexts for clients.
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function clientContextOptions(values: Values): SecureContextOptions {
	return secureOptions("client", values.tls_version_client_min, values.tls_version_client_max, values.ciphers_client);
}

/**
 * Issues the user's own certificates for the names that they match, and certificates of the authority for all others.
 * @throws FlowtapeError FT_BAD_OPTION if a file is missing, or has no certificate with a matching key
 */
export function withOwnCertificates(authority: CertificateAuthority, values: Values): LeafIssuer {
	if (values.certs.length === 0) return authority;
	const leaves = new Map<string, Leaf>();
	for (const spec of values.certs) {
		const [, domain = "*", path = ""] = /^(?:([^=/]*)=)?(.*)$/s.exec(spec) as RegExpExecArray;
		const { leaf, names } = readOwn(authority, expandHome(path), values);
		for (const name of [...names, domain]) leaves.set(name.toLowerCase(), leaf);
	}
	return { leafFor: (request) => find(leaves, request) ?? authority.leafFor(request) };
}

/** Tries the names of the request in order, each followed by its wildcards. */
function find(leaves: ReadonlyMap<string, Leaf>, { sni, host, upstreamNames = [] }: LeafRequest): Leaf | undefined {
	for (const name of normalizeNames([sni, host, ...upstreamNames])) {
		const labels = name.split(".");
		const forms = labels.map((_, at) => (at === 0 ? name : ["*", ...labels.slice(at)].join(".")));
		const form = forms.find((form) => leaves.has(form));
		if (form !== undefined) return leaves.get(form);
	}
	return leaves.get("*");
}

function readOwn(authority: CertificateAuthority, path: string, values: Values): { leaf: Leaf; names: string[] } {
	const wrong = (what: string, cause?: unknown) =>
		new FlowtapeError("FT_BAD_OPTION", `certs: ${path}: ${what}`, { file: path, option: "certs", cause });
	let pem: string;
	let certificate: X509Certificate;
	let key: KeyObject | null = null;
	try {
		pem = readFileSync(path, "utf8");
	} catch (cause) {
		throw wrong(`expected a file of certificates: ${(cause as Error).message}`, cause);
	}
	try {
		certificate = new X509Certificate(pem);
		if (pem.includes("PRIVATE KEY-----"))
			key = createPrivateKey({
				key: pem,
				...(values.cert_passphrase === null ? {} : { passphrase: values.cert_passphrase }),
			});
	} catch (cause) {
		throw wrong(
			`expected a certificate and its key in PEM: ${(cause as Error).message}; an encrypted key needs cert_passphrase`,
			cause,
		);
	}
	const certificates = (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).join("\n");
	const found = (context: SecureContext) => ({
		leaf: { certificate: Buffer.from(certificate.toString()), contextNow: () => context },
		names: namesOf(certificate),
	});
	if (key === null) {
		const context = authority.contextOf(certificates);
		if (context === null)
			throw wrong("it contains no private key, and the certificate does not match the key of the authority");
		return found(context);
	}
	if (!certificate.checkPrivateKey(key))
		throw wrong("the key does not match the first certificate; put the server's certificate first");
	return found(
		createSecureContext({
			...clientContextOptions(values),
			key: key.export({ type: "pkcs8", format: "pem" }),
			cert: certificates,
			ca: [],
		}),
	);
}
