// The TLS contexts in which leaves are shown. OpenSSL 3.0 takes most of a millisecond for one, the larger part to read the key. As all leaves have one key,
// they take turns in a context that they share, and only one that goes on being shown in turn with others gets its own.
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";

/** What a TLS server shows of itself. */
export interface Leaf {
	/** In PEM. */
	readonly certificate: Uint8Array;
	/** For one connection, to be made before any other leaf is asked for its context. */
	contextNow(): SecureContext;
}

/** How often a leaf is put into the shared context: a context of its own costs three to five times as much. */
const TURNS = 3;

export class LeafContexts {
	readonly #options: SecureContextOptions;
	readonly #issuer: string;
	#shared: SecureContext | null = null;
	/** The leaf that the shared context shows. */
	#shown: MintedLeaf | null = null;

	/** @param options the key among them; @param issuer the authority's certificate in PEM, which is sent along */
	constructor(options: SecureContextOptions, issuer: string) {
		this.#options = options;
		this.#issuer = issuer;
	}

	isShown(leaf: MintedLeaf): boolean {
		return this.#shown === leaf;
	}

	/** The shared context with this leaf in it. Connections that were made before keep the leaf that they began with. */
	show(leaf: MintedLeaf): SecureContext {
		if (this.#shared === null) this.#shared = this.make(leaf.pem);
		// What stands behind the leaf stays. Node documents no method of a context, but has always had this one.
		else if (this.#shown !== leaf) this.#shared.context.setCert(leaf.pem);
		this.#shown = leaf;
		return this.#shared;
	}

	/** A context for certificates of the leaves' key. */
	make(leaf: string, behind = ""): SecureContext {
		// The authority goes along: clients that pin its key look for it in the chain as sent. The empty `ca` keeps Node from
		// loading a hundred roots, which only the verification of client certificates would use.
		return createSecureContext({ ...this.#options, cert: leaf + this.#issuer + behind, ca: [] });
	}
}

export class MintedLeaf implements Leaf {
	readonly pem: string;
	readonly certificate: Uint8Array;
	/** Milliseconds since 1970. */
	readonly madeAt: number;
	readonly #contexts: LeafContexts;
	/** Certificates in PEM behind the authority's. */
	readonly #behind: string;
	#own: SecureContext | null = null;
	#turns: number;

	constructor(contexts: LeafContexts, pem: string, madeAt: number, behind = "") {
		this.#contexts = contexts;
		this.madeAt = madeAt;
		this.pem = pem;
		this.certificate = Buffer.from(pem);
		this.#behind = behind;
		this.#turns = behind === "" ? TURNS : 0;
	}

	/** One that shows this leaf for good. */
	get context(): SecureContext {
		this.#own ??= this.#contexts.make(this.pem, this.#behind);
		return this.#own;
	}

	contextNow(): SecureContext {
		if (this.#own === null && (this.#contexts.isShown(this) || this.#turns-- > 0)) return this.#contexts.show(this);
		return this.context;
	}
}
