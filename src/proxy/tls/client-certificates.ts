// The client certificates that the proxy presents to servers: one for all servers, or one per server name.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { FlowtapeError } from "../../errors.ts";
import { expandHome } from "../../options.ts";

export class ClientCertificates {
	/** Certificate and key in PEM, by server name in lower case; "*": for all servers. */
	readonly #pems: ReadonlyMap<string, string>;

	/**
	 * @param path a file, or a folder of files such as `example.com.pem`; null: none is presented
	 * @throws FlowtapeError FT_BAD_OPTION if a file cannot be read, or has no certificate with a matching key
	 */
	constructor(path: string | null) {
		this.#pems = path === null ? new Map() : readPath(expandHome(path));
	}

	/** The certificate and key for a server, in PEM; undefined: none is presented. */
	forServer(name: string): string | undefined {
		return this.#pems.get(name.toLowerCase()) ?? this.#pems.get("*");
	}
}

function readPath(path: string): Map<string, string> {
	try {
		if (!statSync(path).isDirectory()) return new Map([["*", check(path, readFileSync(path, "utf8"))]]);
		const files = readdirSync(path).filter((name) => name.endsWith(".pem"));
		return new Map(
			files.map((name) => [
				name.slice(0, -".pem".length).toLowerCase(),
				check(name, readFileSync(join(path, name), "utf8")),
			]),
		);
	} catch (cause) {
		if (cause instanceof FlowtapeError) throw cause;
		throw new FlowtapeError("FT_BAD_OPTION", `client_certs: ${(cause as Error).message}`, {
			file: path,
			option: "client_certs",
			cause,
		});
	}
}

function check(file: string, pem: string): string {
	const wrong = (what: string, cause?: unknown) =>
		new FlowtapeError("FT_BAD_OPTION", `client_certs: ${file}: ${what}`, { file, option: "client_certs", cause });
	try {
		if (new X509Certificate(pem).checkPrivateKey(createPrivateKey(pem))) return pem;
	} catch (cause) {
		throw wrong(`expected a certificate and its key in PEM: ${(cause as Error).message}`, cause);
	}
	throw wrong("the key does not match the certificate");
}
