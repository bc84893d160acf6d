// Creates a certificate authority: a permanent one, usually once per machine, or an ephemeral one for a single run.
import { generateKeyPair, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { extension, nameOf, signCertificate, subjectKeyIdentifier } from "./certificate-parts.ts";
import { certificatePem, der, tag, time } from "./der.ts";

const validYears = 10;

/** The kind of authority to create. */
export interface AuthorityOptions {
	/**
	 * `rsa` (default): for a permanent authority, because every client accepts RSA. `ec` (P-256): for an ephemeral
	 * authority, because its key is created in a thousandth of the time.
	 */
	keyType?: "rsa" | "ec" | undefined;
	/** Size of the RSA key in bits; default 2048. */
	keySize?: number | undefined;
	/**
	 * notBefore of its certificate; default: two days ago, as clocks of other machines (containers, phones) may be slow.
	 */
	from?: Date | undefined;
}

/** A new authority in PEM. */
interface AuthorityPem {
	keyPem: string;
	certificatePem: string;
}

/** Creates an authority with a random key, a random name and a random serial number. It is valid for ten years. */
export async function createAuthority(now: Date = new Date(), options: AuthorityOptions = {}): Promise<AuthorityPem> {
	const from = options.from ?? new Date(now.getTime() - 2 * 86_400_000);
	const until = new Date(Date.UTC(now.getUTCFullYear() + validYears, now.getUTCMonth(), now.getUTCDate()));
	const generate = promisify(generateKeyPair);
	const { privateKey, publicKey } = await (options.keyType === "ec"
		? generate("ec", { namedCurve: "P-256" })
		: generate("rsa", { modulusLength: options.keySize ?? 2048 }));
	const spki = publicKey.export({ type: "spki", format: "der" });
	// The name is random too: a client that looks up authorities by name must not find that of another machine or an
	// earlier one.
	const name = nameOf(
		["organizationName", "flowtape"],
		["commonName", `flowtape CA ${randomBytes(4).toString("hex")}`],
	);
	const certificate = signCertificate(
		{
			issuer: name,
			subject: name,
			publicKey: spki,
			validity: der(tag.sequence, time(from), time(until)),
			extensions: [...usage, subjectKeyIdentifier(spki)],
		},
		privateKey,
	);
	return {
		keyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
		certificatePem: certificatePem(certificate),
	};
}

const usage = [
	// cA
	extension("basicConstraints", true, der(tag.sequence, der(tag.boolean, Buffer.from([0xff])))),
	// keyCertSign and cRLSign, the sixth and seventh bit
	extension("keyUsage", true, der(tag.bitString, Buffer.from([1, 0x06]))),
];
