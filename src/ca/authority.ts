// The certificate authority in use: shows each client a certificate for the host it asks for, minted once and kept.
import { createHash, generateKeyPairSync, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import { certificatePem, type Element, readElements } from "./der.ts";
import { type AuthorityFiles, type ReadOptions, readAuthority } from "./files.ts";
import { type Issuer, isStale, mintLeaf, normalizeNames } from "./leaf.ts";
import { type Leaf, LeafContexts, MintedLeaf } from "./leaf-contexts.ts";

/** What is known of the server that a leaf is to stand for. */
export interface LeafRequest {
	/** The name in the client's TLS hello. */
	sni: string | null;
	/** Where the client wanted to be connected to. */
	host: string;
	/** Names and addresses in the server's own certificate. */
	upstreamNames?: readonly string[];
	/** The organization in the server's own certificate. */
	organization?: string | null;
	/** Certificates in PEM to show behind the leaf. */
	extraChain?: readonly string[];
}

/** Gives TLS servers the certificate to show. */
export interface LeafIssuer {
	leafFor(request: LeafRequest): Leaf | Promise<Leaf>;
}

/** About thirty kilobytes each where they have a context of their own. */
const maxLeaves = 1000;

/** Opens the authority of a folder (`homeFolder` says which), making it where there is none. Throws FT_CA. */
export async function openAuthority(folder: string, { context, ...options }: OpenOptions = {}): Promise<CertificateAuthority> {
	return new CertificateAuthority(await readAuthority(folder, options), context, options.validFrom);
}

export interface OpenOptions extends ReadOptions {
	/** What the connections of clients are to be like: versions, ciphers. */
	context?: SecureContextOptions | undefined;
}

/** Mints leaves with one key of this process; the authority's key signs and never leaves this class. */
export class CertificateAuthority implements LeafIssuer {
	/** The authority's certificate in PEM, and the file that holds it. */
	readonly certificatePem: string;
	readonly certificateFile: string;
	readonly certificate: X509Certificate;
	readonly #issuer: Issuer;
	/** In the order of their last use. */
	readonly #leaves = new Map<string, MintedLeaf>();
	readonly #contextOptions: SecureContextOptions;
	readonly #leavesFrom: Date | undefined;
	#leafKey: LeafKey | undefined;

	/** @param leavesFrom since when leaves are valid; default: for a short time */
	constructor({ key, certificate, certificateFile }: AuthorityFiles, contextOptions: SecureContextOptions = {}, leavesFrom?: Date) {
		this.#contextOptions = contextOptions;
		this.certificate = certificate;
		this.certificateFile = certificateFile;
		this.certificatePem = certificate.toString();
		this.#issuer = { key, ...issuerOf(certificate) };
		this.#leavesFrom = leavesFrom;
	}

	/** SHA-256 of the authority's public key in base64, as Chromium's --ignore-certificate-errors-spki-list takes it. */
	get pin(): string {
		return createHash("sha256")
			.update(this.certificate.publicKey.export({ type: "spki", format: "der" }))
			.digest("base64");
	}

	/** A leaf with the names of the request: SNI first, then the host, then what the server itself has. */
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

	/** A TLS context that shows a certificate of the user's own, which was made for the authority's key; null where it was not. */
	contextOf(certificatePem: string): SecureContext | null {
		const { key } = this.#issuer;
		if (!new X509Certificate(certificatePem).checkPrivateKey(key)) return null;
		return createSecureContext({ ...this.#contextOptions, key: key.export({ type: "pkcs8", format: "pem" }), cert: certificatePem, ca: [] });
	}

	#mint(names: string[], organization: string | null, extra: string, now: number): MintedLeaf {
		this.#leafKey ??= makeLeafKey(this.#contextOptions, this.certificatePem);
		const { publicKey, keyIdentifier, contexts } = this.#leafKey;
		const subject = { names: names.length > 0 ? names : [unnamed], organization, publicKey, keyIdentifier };
		return new MintedLeaf(contexts, certificatePem(mintLeaf(this.#issuer, subject, new Date(now), this.#leavesFrom)), now, extra);
	}
}

/** A client asks for one host: a wildcard is a server's to have. */
function oneHost(name: string | null): string | null {
	return name?.includes("*") ? null : name;
}

/** Stands where neither client nor server told a name; reserved by RFC 2606. */
const unnamed = "flowtape.invalid";

interface LeafKey {
	publicKey: Buffer;
	keyIdentifier: Buffer;
	contexts: LeafContexts;
}

function makeLeafKey(options: SecureContextOptions, issuer: string): LeafKey {
	const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const spki = publicKey.export({ type: "spki", format: "der" });
	return {
		publicKey: spki,
		keyIdentifier: createHash("sha1").update(spki).digest(),
		contexts: new LeafContexts({ ...options, key: privateKey.export({ type: "sec1", format: "pem" }) }, issuer),
	};
}

/** What leaves repeat of their issuer's certificate, byte for byte. */
function issuerOf(certificate: X509Certificate): Omit<Issuer, "key"> {
	const [outer] = readElements(certificate.raw);
	const [body] = readElements(outer?.content ?? Buffer.alloc(0));
	const fields = readElements(body?.content ?? Buffer.alloc(0));
	// RFC 5280 4.1: [version], serial, signature, issuer, validity, subject, key, …
	const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4];
	const extensions = fields.find((field) => field.tag === 0xa3);
	return {
		subject: subject?.raw ?? Buffer.alloc(0),
		keyIdentifier: extensions ? subjectKeyIdentifier(extensions) : null,
		validTo: new Date(certificate.validTo),
	};
}

const subjectKeyIdentifierOid = Buffer.from("0603551d0e", "hex");

function subjectKeyIdentifier(extensions: Element): Buffer | null {
	for (const list of readElements(extensions.content)) {
		for (const extension of readElements(list.content)) {
			const [id, ...rest] = readElements(extension.content);
			const value = rest.at(-1);
			if (id?.raw.equals(subjectKeyIdentifierOid) && value) return readElements(value.content)[0]?.content ?? null;
		}
	}
	return null;
}
