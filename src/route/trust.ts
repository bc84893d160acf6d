// Trust in the authority of a route, on its connections alone. No context, store or default of a program is changed, and
// everything that the program trusts itself stays trusted.
import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";

/** The native side of a TLS socket, which Node asks for the result of the verification after the handshake. */
interface NativeTls {
	verifyError(): Error | null | undefined;
}

export class Trust {
	readonly #authority: X509Certificate;
	/** Fingerprints of the certificates that the authority has issued, as far as they were seen. */
	readonly #issued = new Set<string>();

	/** @param pem the certificate of the authority */
	constructor(pem: string) {
		this.#authority = new X509Certificate(pem);
	}

	/** Accepts certificates of the authority on a connection whose handshake has not ended. Names are checked as ever. */
	give(socket: TLSSocket): void {
		const native = Reflect.get(socket, "_handle") as NativeTls | null;
		if (native === null) return;
		const verify = native.verifyError;
		native.verifyError = () => {
			const error = verify.call(native);
			// a connection that resumes a session has no certificates, and keeps the result of that session's verification
			return error && (socket.isSessionReused() || this.#hasIssued(socket)) ? null : error;
		};
	}

	#hasIssued(socket: TLSSocket): boolean {
		// not getPeerX509Certificate, which takes the certificate out of the chain that Node looks at next
		const { raw, fingerprint256 } = socket.getPeerCertificate();
		if (raw === undefined) return false;
		if (this.#issued.has(fingerprint256)) return true;
		if (!new X509Certificate(raw).verify(this.#authority.publicKey)) return false;
		this.#issued.add(fingerprint256);
		return true;
	}
}
