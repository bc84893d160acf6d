// Translates the options for TLS versions and ciphers into Node's settings.
import { createSecureContext, DEFAULT_CIPHERS, type SecureContextOptions, type SecureVersion } from "node:tls";
import { FlowtapeError } from "../../errors.ts";

/** mitmproxy's names, oldest first. */
const VERSIONS = { TLS1: "TLSv1", TLS1_1: "TLSv1.1", TLS1_2: "TLSv1.2", TLS1_3: "TLSv1.3" } as const satisfies Record<
	string,
	SecureVersion
>;

export const tlsVersionNames = ["UNBOUNDED", ...Object.keys(VERSIONS)] as const;

/**
 * Settings of a TLS context. `side`: as in the names of the options.
 * @throws FlowtapeError FT_BAD_OPTION if no version is left, or OpenSSL does not know the ciphers
 */
export function secureOptions(
	side: "client" | "server",
	min: string,
	max: string,
	ciphers: string | null,
): SecureContextOptions {
	const names = Object.keys(VERSIONS);
	const first = min === "UNBOUNDED" ? 0 : names.indexOf(min);
	const last = max === "UNBOUNDED" ? names.length - 1 : names.indexOf(max);
	if (first > last)
		throw new FlowtapeError(
			"FT_BAD_OPTION",
			`tls_version_${side}_min ${min} is above tls_version_${side}_max ${max}: no version is left`,
			{
				option: `tls_version_${side}_min`,
			},
		);
	const versions = Object.values(VERSIONS);
	// OpenSSL 3 supports versions before 1.2 only at security level 0.
	const usable = ciphers ?? (first < names.indexOf("TLS1_2") ? `${DEFAULT_CIPHERS}:@SECLEVEL=0` : null);
	const settings = {
		minVersion: versions[first] as SecureVersion,
		maxVersion: versions[last] as SecureVersion,
		...(usable === null ? {} : { ciphers: usable }),
	};
	if (ciphers !== null) check(side, settings);
	return settings;
}

/** Creates a context to check the ciphers. The empty `ca` avoids loading the default authorities. */
function check(side: string, settings: SecureContextOptions): void {
	try {
		createSecureContext({ ...settings, ca: [] });
	} catch (cause) {
		const option = `ciphers_${side}`;
		throw new FlowtapeError(
			"FT_BAD_OPTION",
			`${option}: "${settings.ciphers}" is not a cipher list that OpenSSL knows`,
			{ option, cause },
		);
	}
}
