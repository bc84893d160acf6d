// Whom the proxy trusts when it connects to servers.
import { readdirSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { type ConnectionOptions, createSecureContext, rootCertificates, type SecureContext } from "node:tls";
import { FlowtapeError } from "../errors.ts";
import type { OptionTable, OptionValues } from "../options.ts";

export const options = {
	ssl_insecure: { type: "boolean", default: false, short: "k", help: "Do not verify the certificates of servers." },
	ssl_verify_upstream_trusted_ca: {
		type: "string",
		default: null,
		metavar: "PATH",
		help: "File of certificates (PEM) to trust besides the usual authorities.",
	},
	ssl_verify_upstream_trusted_confdir: {
		type: "string",
		default: null,
		metavar: "PATH",
		help: "Folder of certificates (PEM) to trust besides the usual authorities.",
	},
} as const satisfies OptionTable;

/** Reads the options once; the context, which takes milliseconds, is made for the first TLS connection. */
export class UpstreamTls {
	readonly #insecure: boolean;
	readonly #extra: readonly string[];
	#context: SecureContext | undefined;

	/** @throws FlowtapeError FT_BAD_OPTION when a file of certificates cannot be read */
	constructor(values: OptionValues<typeof options>) {
		this.#insecure = values.ssl_insecure;
		this.#extra = [...readFile(values.ssl_verify_upstream_trusted_ca), ...readFolder(values.ssl_verify_upstream_trusted_confdir)];
	}

	/** What `tls.connect` needs for a server of this name (or address). `http2`: whether that is offered, too. */
	optionsFor(name: string, http2: boolean): ConnectionOptions {
		this.#context ??= createSecureContext(this.#extra.length === 0 ? {} : { ca: [...rootCertificates, ...usersRoots(), ...this.#extra] });
		return {
			secureContext: this.#context,
			rejectUnauthorized: !this.#insecure,
			ALPNProtocols: http2 ? ["h2", "http/1.1"] : ["http/1.1"],
			// RFC 6066 section 3: a server name is never an address.
			...(isIP(name) === 0 ? { servername: name } : {}),
		};
	}
}

const CERTIFICATE = "-----BEGIN CERTIFICATE-----";

function readFile(path: string | null): string[] {
	if (path === null) return [];
	const pem = attempt("ssl_verify_upstream_trusted_ca", path, () => readFileSync(path, "latin1"));
	if (!pem.includes(CERTIFICATE))
		throw new FlowtapeError("FT_BAD_OPTION", `ssl_verify_upstream_trusted_ca: ${path} holds no certificate in PEM`, { file: path });
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
		const why = cause instanceof Error ? cause.message : String(cause);
		throw new FlowtapeError("FT_BAD_OPTION", `${option}: the certificates cannot be read: ${why}`, { file: path, cause });
	}
}

/** Node trusts these by itself only as long as it is given no authorities. */
function usersRoots(): string[] {
	const path = process.env.NODE_EXTRA_CA_CERTS;
	if (!path) return [];
	try {
		return [readFileSync(path, "latin1")];
	} catch {
		return [];
	}
}
