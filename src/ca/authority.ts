// The certificate authority in use: mints a leaf certificate for each requested host, and caches it.
import { createHash, createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import { NO_BYTES } from "../flow/bytes.ts";
import { readExtension, readSubject } from "./certificate-parts.ts";
import { certificatePem } from "./der.ts";
import { type AuthorityFiles, type ReadOptions, readAuthority } from "./files.ts";
import { type Issuer, isStale, mintLeaf, normalizeNames } from "./leaf.ts";
import { type Leaf, LeafContexts, MintedLeaf } from "./leaf-contexts.ts";

/** The names for a leaf, and the certificates to send with it. */
export interface LeafRequest {
	/** The name in the client's TLS hello. */
	sni: string | null;
	/** The host that the client wants to connect to. */
	host: string;
	/** Names and addresses in the server's own certificate. */
	upstreamNames?: readonly string[];
	/** The organization in the server's own certificate. */
	organization?: string | null;
	/** Certificates to send after the leaf and the authority's certificate, each in PEM. */
	extraChain?: readonly string[];
}

/** Provides the certificates to show to clients. */
export interface LeafIssuer {
	leafFor(request: LeafRequest): Leaf;
}

/** Most leaves in the cache. A leaf with its own TLS context takes about 30 KB. */
const maxLeaves = 1000;

/**
 * Opens the authority in a folder (see `homeFolder`), and creates it if there is none.
 * @throws FlowtapeError FT_CA
 */
export async function openAuthority(
	folder: string,
	{ context, ...options }: OpenOptions = {},
): Promise<CertificateAuthority> {
	return new CertificateAuthority(await readAuthority(folder, options), context, options.validFrom);
}

/** Creates an authority that lives in memory only, with a P-256 key. */
export async function inMemoryAuthority(context?: SecureContextOptions): Promise<CertificateAuthority> {
	const { createAuthority } = await import("./create.ts");
	const { keyPem, certificatePem } = await createAuthority(undefined, { keyType: "ec" });
	return new CertificateAuthority(
		{ key: createPrivateKey(keyPem), certificate: new X509Certificate(certificatePem), certificateFile: "" },
		context,
	);
}

export interface OpenOptions extends ReadOptions {
	/** TLS versions and ciphers for client connections. */
	context?: SecureContextOptions | undefined;
}

/**
 * Mints leaves that share one key pair of this process. The authority's private key only signs, and never leaves this
 * class.
 */
export class CertificateAuthority implements LeafIssuer {
	/** The authority's certificate in PEM, and the file that holds it; empty: none does. */
	readonly certificatePem: string;
	readonly certificateFile: string;
	readonly certificate: X509Certificate;
	readonly #issuer: Issuer;
	/** Least recently used first. */
	readonly #leaves = new Map<string, MintedLeaf>();
	readonly #contextOptions: SecureContextOptions;
	readonly #leavesFrom: Date | undefined;
	#leafKey: LeafKey | undefined;

	/** @param leavesFrom notBefore of the leaves; default: two days before each leaf is made */
	constructor(
		{ key, certificate, certificateFile }: AuthorityFiles,
		contextOptions: SecureContextOptions = {},
		leavesFrom?: Date,
	) {
		this.#contextOptions = contextOptions;
		this.certificate = certificate;
		this.certificateFile = certificateFile;
		this.certificatePem = certificate.toString();
		this.#issuer = { key, ...issuerOf(certificate) };
		this.#leavesFrom = leavesFrom;
	}

	/**
	 * SHA-256 of the authority's public key in base64, as Chromium's --ignore-certificate-errors-spki-list expects it.
	 */
	get pin(): string {
		return createHash("sha256")
			.update(this.certificate.publicKey.export({ type: "spki", format: "der" }))
			.digest("base64");
	}

	/**
	 * The leaf for the names of the request: SNI first, then the host, then the names in the server's own certificate.
	 */
	leafFor({ sni, host, upstreamNames = [], organization = null, extraChain = [] }: LeafRequest): MintedLeaf {
		const names = normalizeNames([oneHost(sni), oneHost(host), ...upstreamNames]);
		const extra = extraChain.join("");
		const id = `${names.join("\n")}\n\n${organization ?? ""}\n${extra}`;
		const now = Date.now();
		const known = this.#leaves.get(id);
		const kept = known === undefined || isStale(known.madeAt, now) ? undefined : known;
		const leaf = kept ?? this.#mint(names, organization, extra, now);
		if (known !== undefined) this.#leaves.delete(id);
		this.#leaves.set(id, leaf);
		if (this.#leaves.size > maxLeaves) this.#leaves.delete(this.#leaves.keys().next().value ?? id);
		return leaf;
	}

	/** A TLS context with the user's own certificate; null if that certificate does not belong to the authority's key. */
	contextOf(certificatePem: string): SecureContext | null {
		const { key } = this.#issuer;
		if (!new X509Certificate(certificatePem).checkPrivateKey(key)) return null;
		return createSecureContext({
			...this.#contextOptions,
			key: key.export({ type: "pkcs8", format: "pem" }),
			cert: certificatePem,
			ca: [],
		});
	}

	#mint(names: string[], organization: string | null, extra: string, now: number): MintedLeaf {
		this.#leafKey ??= makeLeafKey(this.#contextOptions, this.certificatePem);
		const { publicKey, contexts } = this.#leafKey;
		const subject = { names: names.length > 0 ? names : [unnamed], organization, publicKey };
		return new MintedLeaf(
			contexts,
			certificatePem(mintLeaf(this.#issuer, subject, new Date(now), this.#leavesFrom)),
			now,
			extra,
		);
	}
}

/** Null for a wildcard: a client asks for one host, and only a server's certificate can contain a wildcard. */
function oneHost(name: string | null): string | null {
	return name?.includes("*") ? null : name;
}

/** The name of a leaf if neither client nor server gave one; reserved by RFC 2606. */
const unnamed = "flowtape.invalid";

interface LeafKey {
	publicKey: Buffer;
	contexts: LeafContexts;
}

function makeLeafKey(options: SecureContextOptions, issuer: string): LeafKey {
	const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
	return {
		publicKey: publicKey.export({ type: "spki", format: "der" }),
		contexts: new LeafContexts({ ...options, key: privateKey.export({ type: "sec1", format: "pem" }) }, issuer),
	};
}

/** The parts of the authority's certificate that leaves repeat byte for byte. */
function issuerOf({ raw, validTo }: X509Certificate): Omit<Issuer, "key"> {
	return {
		subject: readSubject(raw)?.raw ?? NO_BYTES,
		keyIdentifier: readExtension(raw, "subjectKeyIdentifier")?.content ?? null,
		validTo: new Date(validTo),
	};
}
