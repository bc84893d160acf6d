// `flowtape ca`: creates and shows the certificate authority, and makes systems and programs trust it.

import type { CertificateAuthority } from "../src/ca/authority.ts";
import { FlowtapeError } from "../src/errors.ts";
import { defaults, type OptionTable, type OptionValues } from "../src/options.ts";
import { defineCommand, type Io } from "./cli/command.ts";

const caActions = {
	create: "create the certificate authority if there is none",
	export: "print its certificate, creating one if there is none",
	path: "print the path of its certificate, creating one if there is none",
	show: "print its name, validity and fingerprint",
	trust: "show or run the commands that make systems and programs trust it",
	untrust: "show or run the commands that make them distrust it again",
} as const;

export type CaAction = keyof typeof caActions;

const options = {
	format: {
		type: "string",
		default: "pem",
		choices: ["pem", "der", "p12"],
		help: "Format in which export prints the certificate; the password of a p12 file is empty.",
	},
	run: {
		type: "boolean",
		default: false,
		help: "Run the commands of trust and untrust. By default they are only shown.",
	},
	key_size: {
		type: "integer",
		default: 2048,
		min: 2048,
		max: 16384,
		metavar: "BITS",
		help: "Size of the key that create generates.",
	},
} as const satisfies OptionTable;

export const command = defineCommand({
	name: "ca",
	summary: "create, print and trust the certificate authority",
	args: "create|export|path|show|trust|untrust [STORE…]",
	arity: { min: 1 },
	options,
	examples: [
		["flowtape ca export > ca.pem", "write the certificate for clients to a file"],
		["flowtape ca trust", "print the commands that make this machine trust it"],
		["flowtape ca trust nss --run", "make Chrome and Firefox trust it"],
		["flowtape ca path", "print its path"],
	],
	async run({ args: [action = "", ...stores], values }, { stdout, stderr, env }) {
		const { homeFolder } = await import("../src/ca/files.ts");
		return runCa(action, { home: homeFolder(env), stdout, stderr, env }, { ...values, stores });
	},
});

/** The context of the command. */
export interface CaIo extends Pick<Io, "stdout" | "stderr"> {
	/** The folder of the authority. */
	home: string;
	env?: NodeJS.ProcessEnv;
}

export type CaOptions = OptionValues<typeof options> & { readonly stores: readonly string[] };

/**
 * Runs one action; resolves to the exit status.
 * @throws FlowtapeError FT_USAGE for an unknown action or store, FT_CA for a missing or invalid authority, FT_COMMAND
 */
export async function runCa(
	action: string,
	{ home, stdout, stderr, env = {} }: CaIo,
	given: Partial<CaOptions> = {},
): Promise<number> {
	if (!isAction(action))
		throw new FlowtapeError("FT_USAGE", `ca: expected one of ${Object.keys(caActions).join(", ")}, found "${action}"`);
	const { format, run, key_size, stores }: CaOptions = { ...defaults(options), stores: [], ...given };
	const isTrust = action === "trust" || action === "untrust";
	if (stores.length > 0 && !isTrust)
		throw new FlowtapeError("FT_USAGE", `ca ${action}: expected no arguments, found "${stores.join(" ")}"`);
	const warn = (message: string): void => {
		stderr.write(`${message}\n`);
	};
	const { openAuthority } = await import("../src/ca/authority.ts");
	const authority = await openAuthority(home, {
		create: action !== "show" && action !== "untrust",
		warn,
		keySize: key_size,
	});
	if (isTrust) {
		const { runTrust } = await import("./ca/trust.ts");
		const { certificateInfo } = await import("../src/ca/trust-stores.ts");
		return runTrust(
			{ action, stores, run, certificate: certificateInfo(authority.certificate, authority.certificateFile) },
			{ stdout, stderr, env },
		);
	}
	if (action === "export" && format !== "pem") {
		const { exportCertificate } = await import("../src/ca/export.ts");
		stdout.write(await exportCertificate(authority.certificatePem, format));
	} else stdout.write(resultText(action, authority));
	return 0;
}

function isAction(action: string): action is CaAction {
	return Object.hasOwn(caActions, action);
}

function resultText(action: Exclude<CaAction, "trust" | "untrust">, authority: CertificateAuthority): string {
	const { certificate, certificateFile, certificatePem } = authority;
	switch (action) {
		case "export":
			return certificatePem;
		case "path":
			return `${certificateFile}\n`;
		case "create":
			return `the certificate of the authority is in ${certificateFile}\n`;
		case "show":
			return [
				`file         ${certificateFile}`,
				`subject      ${certificate.subject.replaceAll("\n", ", ")}`,
				`valid from   ${certificate.validFrom}`,
				`valid until  ${certificate.validTo}`,
				`SHA-256      ${certificate.fingerprint256}`,
				`SPKI pin     ${authority.pin}`,
				"",
			].join("\n");
	}
}
