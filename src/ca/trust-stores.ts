// The trust stores of systems and programs, with the commands that add our authority and remove it.
import type { X509Certificate } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { hasProgram } from "../programs.ts";

/** The authority's certificate. */
export interface CertificateInfo {
	/** Path of its PEM file. */
	readonly file: string;
	/** Its common name, which is unique to this authority. */
	readonly name: string;
	/** Its SHA-1 fingerprint in hexadecimal, by which some systems identify it. */
	readonly sha1: string;
}

/** The details of a certificate that is stored in `file`. */
export function certificateInfo(certificate: X509Certificate, file: string): CertificateInfo {
	const name = /^CN=(.+)$/m.exec(certificate.subject)?.[1] ?? "flowtape CA";
	return { file, name, sha1: certificate.fingerprint.replaceAll(":", "") };
}

export interface TrustCommand {
	readonly argv: readonly string[];
	/** Whether it needs root privileges. */
	readonly asRoot: boolean;
}

export interface TrustStore {
	readonly name: string;
	/** The name to display. */
	readonly title: string;
	trust(certificate: CertificateInfo): readonly TrustCommand[];
	untrust(certificate: CertificateInfo): readonly TrustCommand[];
}

/** Where to look for trust stores. */
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
/** The default password of Java's key stores. */
const JAVA_PASSWORD = "changeit";

const updateCertificates: Omit<TrustStore, "name" | "title"> = {
	trust: ({ file }) => [asRoot("install", "-m", "644", file, DEBIAN_FILE), asRoot("update-ca-certificates")],
	untrust: () => [asRoot("rm", "-f", DEBIAN_FILE), asRoot("update-ca-certificates", "--fresh")],
};

/**
 * A database of Mozilla's NSS: Firefox has one in each profile, Chromium on Linux one per user. `exists`: whether the
 * database exists; if not, `trust` creates it first.
 */
function nssStore(title: string, folder: string, exists: boolean): TrustStore {
	const database = `sql:${folder}`;
	const make = exists
		? []
		: [asUser("mkdir", "-p", folder), asUser("certutil", "-N", "-d", database, "--empty-password")];
	return {
		name: "nss",
		title,
		trust: ({ file, name }) => [...make, asUser("certutil", "-A", "-d", database, "-t", "C,,", "-n", name, "-i", file)],
		untrust: ({ name }) => (exists ? [asUser("certutil", "-D", "-d", database, "-n", name)] : []),
	};
}

/** All known stores, on any machine. */
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
		trust: ({ file, name }) => [
			asRoot(
				"keytool",
				"-importcert",
				"-noprompt",
				"-cacerts",
				"-storepass",
				JAVA_PASSWORD,
				"-alias",
				aliasOf(name),
				"-file",
				file,
			),
		],
		untrust: ({ name }) => [
			asRoot("keytool", "-delete", "-cacerts", "-storepass", JAVA_PASSWORD, "-alias", aliasOf(name)),
		],
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
	return [
		...trustStores.filter(({ name }) => here[name]),
		...(has("certutil") || machine.platform !== "linux" ? nssStores(machine) : []),
	];
}

/** The databases of NSS. Chromium's on Linux is listed even if it does not exist yet. */
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
		...profiles
			.flatMap(subfolders)
			.flatMap((folder) => (isMade(folder) ? [nssStore(`Firefox, ${folder}`, folder, true)] : [])),
	];
}

function subfolders(folder: string): string[] {
	try {
		return readdirSync(folder).map((name) => join(folder, name));
	} catch {
		return [];
	}
}

/** A command as typed in a shell, which expands `$HOME`. */
export function shellText({ argv, asRoot }: TrustCommand, root = "sudo "): string {
	const quoted = argv.map((word) =>
		/^(?!=)(?:[\w@%+=:,./-]|\$HOME\b)+$/.test(word) ? word : `"${word.replace(/["\\`]|\$(?!HOME\b)/g, "\\$&")}"`,
	);
	return `${asRoot ? root : ""}${quoted.join(" ")}`;
}
