// Where systems and programs keep the authorities that they trust, and the commands that put ours there and take it away again.
import type { X509Certificate } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { hasProgram } from "../programs.ts";

/** The authority's certificate. */
export interface CertificateFacts {
	/** Its file, in PEM. */
	readonly file: string;
	/** Its common name, which no other authority has. */
	readonly name: string;
	/** Its fingerprint in hexadecimal digits, as some systems name it. */
	readonly sha1: string;
}

/** What stores want to know of a certificate that lies in `file`. */
export function certificateFacts(certificate: X509Certificate, file: string): CertificateFacts {
	const name = /^CN=(.+)$/m.exec(certificate.subject)?.[1] ?? "flowtape CA";
	return { file, name, sha1: certificate.fingerprint.replaceAll(":", "") };
}

export interface TrustCommand {
	readonly argv: readonly string[];
	/** Only the administrator may do it. */
	readonly asRoot: boolean;
}

export interface TrustStore {
	readonly name: string;
	/** For people. */
	readonly title: string;
	trust(certificate: CertificateFacts): readonly TrustCommand[];
	untrust(certificate: CertificateFacts): readonly TrustCommand[];
}

/** What is asked of the machine to find its stores. */
export interface Machine {
	readonly platform: NodeJS.Platform;
	readonly env: NodeJS.ProcessEnv;
	/** The user's home folder. */
	readonly home: string;
}

const asRoot = (...argv: string[]): TrustCommand => ({ argv, asRoot: true });
const asUser = (...argv: string[]): TrustCommand => ({ argv, asRoot: false });

const DEBIAN_FILE = "/usr/local/share/ca-certificates/flowtape-ca.crt";
const RHEL_FILE = "/etc/pki/ca-trust/source/anchors/flowtape-ca.pem";
const KEYCHAIN = "/Library/Keychains/System.keychain";
/** The password that every Java comes with. */
const JAVA_PASSWORD = "changeit";

const updateCertificates: Omit<TrustStore, "name" | "title"> = {
	trust: ({ file }) => [asRoot("install", "-m", "644", file, DEBIAN_FILE), asRoot("update-ca-certificates")],
	untrust: () => [asRoot("rm", "-f", DEBIAN_FILE), asRoot("update-ca-certificates", "--fresh")],
};

/** A database of Mozilla's NSS, which Firefox has one of in each profile, and Chromium on Linux. `exists`: it need not be made. */
function nssStore(title: string, folder: string, exists: boolean): TrustStore {
	const database = `sql:${folder}`;
	const make = exists ? [] : [asUser("mkdir", "-p", folder), asUser("certutil", "-N", "-d", database, "--empty-password")];
	return {
		name: "nss",
		title,
		trust: ({ file, name }) => [...make, asUser("certutil", "-A", "-d", database, "-t", "C,,", "-n", name, "-i", file)],
		untrust: ({ name }) => (exists ? [asUser("certutil", "-D", "-d", database, "-n", name)] : []),
	};
}

/** The kinds there are, on any machine. */
export const trustStores: readonly TrustStore[] = [
	{ name: "debian", title: "Debian and Ubuntu", ...updateCertificates },
	{
		name: "rhel",
		title: "Fedora, RHEL and CentOS",
		trust: ({ file }) => [asRoot("install", "-m", "644", file, RHEL_FILE), asRoot("update-ca-trust", "extract")],
		untrust: () => [asRoot("rm", "-f", RHEL_FILE), asRoot("update-ca-trust", "extract")],
	},
	{ name: "alpine", title: "Alpine", ...updateCertificates },
	{
		name: "macos",
		title: "macOS",
		trust: ({ file }) => [asRoot("security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", KEYCHAIN, file)],
		untrust: ({ sha1 }) => [asRoot("security", "delete-certificate", "-Z", sha1, KEYCHAIN)],
	},
	{
		name: "windows",
		title: "Windows",
		trust: ({ file }) => [asUser("certutil", "-addstore", "-user", "Root", file)],
		untrust: ({ sha1 }) => [asUser("certutil", "-delstore", "-user", "Root", sha1)],
	},
	nssStore("Chrome on Linux (Firefox has such a folder in each profile)", "$HOME/.pki/nssdb", true),
	{
		name: "java",
		title: "Java",
		trust: ({ file, name }) => [asRoot("keytool", "-importcert", "-noprompt", "-cacerts", "-storepass", JAVA_PASSWORD, "-alias", aliasOf(name), "-file", file)],
		untrust: ({ name }) => [asRoot("keytool", "-delete", "-cacerts", "-storepass", JAVA_PASSWORD, "-alias", aliasOf(name))],
	},
];

function aliasOf(name: string): string {
	return name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

/** The stores of this machine and user. */
export function findTrustStores(machine: Machine): TrustStore[] {
	const has = (name: string) => hasProgram(name, machine.env, machine.platform);
	const here: Record<string, boolean> = {
		alpine: existsSync("/etc/alpine-release") && has("update-ca-certificates"),
		debian: !existsSync("/etc/alpine-release") && has("update-ca-certificates"),
		rhel: has("update-ca-trust"),
		macos: machine.platform === "darwin",
		windows: machine.platform === "win32",
		java: has("keytool"),
	};
	return [...trustStores.filter(({ name }) => here[name]), ...(has("certutil") || machine.platform !== "linux" ? nssStores(machine) : [])];
}

/** The databases of NSS; Chromium's own on Linux is counted even before its first start. */
function nssStores({ platform, env, home }: Machine): TrustStore[] {
	const profiles =
		platform === "win32"
			? [join(env.APPDATA ?? home, "Mozilla", "Firefox", "Profiles")]
			: platform === "darwin"
				? [join(home, "Library", "Application Support", "Firefox", "Profiles")]
				: [join(home, ".mozilla", "firefox"), join(home, "snap", "firefox", "common", ".mozilla", "firefox")];
	const isMade = (folder: string) => existsSync(join(folder, "cert9.db"));
	const chromium = join(home, ".pki", "nssdb");
	return [
		...(platform === "linux" ? [nssStore("Chrome and Chromium", chromium, isMade(chromium))] : []),
		...profiles.flatMap(subfolders).flatMap((folder) => (isMade(folder) ? [nssStore(`Firefox, ${folder}`, folder, true)] : [])),
	];
}

function subfolders(folder: string): string[] {
	try {
		return readdirSync(folder).map((name) => join(folder, name));
	} catch {
		return [];
	}
}

/** A command as one types it; `$HOME` stays for the shell. */
export function shellText({ argv, asRoot }: TrustCommand, root = "sudo "): string {
	const quoted = argv.map((word) => (/^(?!=)(?:[\w@%+=:,./-]|\$HOME\b)+$/.test(word) ? word : `"${word.replace(/["\\`]|\$(?!HOME\b)/g, "\\$&")}"`));
	return `${asRoot ? root : ""}${quoted.join(" ")}`;
}
