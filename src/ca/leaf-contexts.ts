// TLS contexts for leaf certificates. OpenSSL 3.0 takes most of a millisecond to create one, mainly to parse the key.
// All leaves have the same key, so they share one context, in which the certificate is replaced ("swapped"). A leaf
// that needs several swaps gets its own context.
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";

/** A certificate to show to clients. */
export interface Leaf {
	/** In PEM. */
	readonly certificate: Uint8Array;
	/**
	 * A context for one connection. Start the connection before the next call for another leaf, which may swap the
	 * context's certificate.
	 */
	contextNow(): SecureContext;
}

/**
 * How often a leaf is swapped into the shared context before it gets its own. Creating a context costs three to five
 * times as much as a swap.
 */
const SWAPS = 3;

export class LeafContexts {
	readonly #options: SecureContextOptions;
	readonly #issuer: string;
	#shared: SecureContext | null = null;
	/** The leaf that the shared context shows. */
	#shown: MintedLeaf | null = null;

	/**
	 * @param options the options of every context, with the private key of the leaves
	 * @param issuer the authority's certificate in PEM, which is sent after the leaf
	 */
	constructor(options: SecureContextOptions, issuer: string) {
		this.#options = options;
		this.#issuer = issuer;
	}

	isShown(leaf: MintedLeaf): boolean {
		return this.#shown === leaf;
	}

	/** The shared context with this leaf in it. Earlier connections keep their leaf. */
	show(leaf: MintedLeaf): SecureContext {
		if (this.#shared === null) this.#shared = this.make(leaf.pem);
		// The rest of the chain stays in the context. Node does not document `setCert`, but has always had it.
		else if (this.#shown !== leaf) this.#shared.context.setCert(leaf.pem);
		this.#shown = leaf;
		return this.#shared;
	}

	/** A new context for a leaf. `extraCerts`: more certificates to send, in PEM. */
	make(leaf: string, extraCerts = ""): SecureContext {
		// The authority's certificate is sent too: clients that pin its key look for it in the chain. The empty `ca` keeps
		// Node from loading a hundred root certificates, which it would use only to verify client certificates.
		return createSecureContext({ ...this.#options, cert: leaf + this.#issuer + extraCerts, ca: [] });
	}
}

export class MintedLeaf implements Leaf {
	readonly pem: string;
	readonly certificate: Uint8Array;
	/** Milliseconds since 1970. */
	readonly madeAt: number;
	readonly #contexts: LeafContexts;
	/** Certificates to send after the authority's, in PEM. */
	readonly #extraCerts: string;
	#own: SecureContext | null = null;
	#swapsLeft: number;

	constructor(contexts: LeafContexts, pem: string, madeAt: number, extraCerts = "") {
		this.#contexts = contexts;
		this.madeAt = madeAt;
		this.pem = pem;
		this.certificate = Buffer.from(pem);
		this.#extraCerts = extraCerts;
		this.#swapsLeft = extraCerts === "" ? SWAPS : 0;
	}

	/** This leaf's own context. */
	get context(): SecureContext {
		this.#own ??= this.#contexts.make(this.pem, this.#extraCerts);
		return this.#own;
	}

	contextNow(): SecureContext {
		if (this.#own === null && (this.#contexts.isShown(this) || this.#swapsLeft-- > 0)) return this.#contexts.show(this);
		return this.context;
	}
}
