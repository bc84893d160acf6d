// What the proxy shows servers that ask for a certificate: one for all, or one by the server's name.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { FlowtapeError } from "../../errors.ts";
import { expandHome } from "../../options.ts";

export class ClientCertificates {
	/** In PEM, by the name of the server in lower case; "*": for all. */
	readonly #pems: ReadonlyMap<string, string>;

	/**
	 * @param path a file, or a folder of files such as `example.com.pem`; null: none is shown
	 * @throws FlowtapeError FT_BAD_OPTION when they cannot be read, or hold no certificate and key that belong together
	 */
	constructor(path: string | null) {
		this.#pems = path === null ? new Map() : readPath(expandHome(path));
	}

	/** Certificate and key for a server; undefined: none is shown. */
	for(name: string): string | undefined {
		return this.#pems.get(name.toLowerCase()) ?? this.#pems.get("*");
	}
}

function readPath(path: string): Map<string, string> {
	try {
		if (!statSync(path).isDirectory()) return new Map([["*", check(path, readFileSync(path, "utf8"))]]);
		const files = readdirSync(path).filter((name) => name.endsWith(".pem"));
		return new Map(files.map((name) => [name.slice(0, -".pem".length).toLowerCase(), check(name, readFileSync(join(path, name), "utf8"))]));
	} catch (cause) {
		if (cause instanceof FlowtapeError) throw cause;
		throw new FlowtapeError("FT_BAD_OPTION", `client_certs: ${(cause as Error).message}`, { file: path, option: "client_certs", cause });
	}
}

function check(file: string, pem: string): string {
	const wrong = (what: string, cause?: unknown) =>
		new FlowtapeError("FT_BAD_OPTION", `client_certs: ${file}: ${what}`, { file, option: "client_certs", cause });
	try {
		if (new X509Certificate(pem).checkPrivateKey(createPrivateKey(pem))) return pem;
	} catch (cause) {
		throw wrong(`a certificate and its key in PEM were expected: ${(cause as Error).message}`, cause);
	}
	throw wrong("its key belongs to another certificate");
}
