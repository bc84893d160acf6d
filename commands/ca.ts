// `flowtape ca`: makes the certificate authority, tells of it, and has systems and programs trust it.

import type { CertificateAuthority } from "../src/ca/authority.ts";
import type { CertificateFormat } from "../src/ca/export.ts";
import { FlowtapeError } from "../src/errors.ts";
import { defaults, type OptionTable, type OptionValues } from "../src/options.ts";
import { defineCommand, type Io } from "./cli/command.ts";

export const caActions = {
	create: "make the certificate authority, unless there is one",
	export: "print its certificate, making it where there is none",
	path: "print the path of its certificate, making it where there is none",
	show: "print its name, validity and fingerprint",
	trust: "show or run the commands that make systems and programs trust it",
	untrust: "show or run the commands that take it away from them",
} as const;

export type CaAction = keyof typeof caActions;

const options = {
	format: {
		type: "string",
		default: "pem",
		choices: ["pem", "der", "p12"],
		help: "Form of the certificate that export prints; a p12 file has an empty password.",
	},
	run: { type: "boolean", default: false, help: "Run the commands of trust and untrust instead of showing them." },
	key_size: { type: "integer", default: 2048, min: 2048, max: 16384, metavar: "BITS", help: "Size of the key that create makes." },
} as const satisfies OptionTable;

export const command = defineCommand({
	name: "ca",
	summary: "make the certificate authority, tell of it, and have it trusted",
	args: "create|export|path|show|trust|untrust [STORE…]",
	arity: { min: 1 },
	options,
	examples: [
		["flowtape ca export > ca.pem", "the certificate that clients are to trust"],
		["flowtape ca trust", "the commands that make this machine trust it"],
		["flowtape ca trust nss --run", "have Chrome and Firefox trust it"],
		["flowtape ca path", "where it is"],
	],
	async run({ args: [action = "", ...stores], options: values }, { stdout, stderr, env }) {
		const { homeFolder } = await import("../src/ca/files.ts");
		return runCa(action, { home: homeFolder(env), stdout, stderr, env }, { ...values, stores });
	},
});

/** What the command works with. */
export interface CaIo extends Pick<Io, "stdout" | "stderr"> {
	/** The folder of the authority. */
	home: string;
	env?: NodeJS.ProcessEnv;
}

export type CaOptions = OptionValues<typeof options> & { readonly stores: readonly string[] };

/**
 * Runs one action and gives its exit status.
 * @throws FlowtapeError FT_USAGE for an action or a store that is none, FT_CA for an authority that is not in order, FT_COMMAND
 */
export async function runCa(action: string, { home, stdout, stderr, env = {} }: CaIo, given: Partial<CaOptions> = {}): Promise<number> {
	if (!isAction(action)) throw new FlowtapeError("FT_USAGE", `"${action}" is nothing that ca does; it does ${Object.keys(caActions).join(", ")}`);
	const { format, run, key_size, stores }: CaOptions = { ...defaults(options), stores: [], ...given };
	const isTrust = action === "trust" || action === "untrust";
	if (stores.length > 0 && !isTrust) throw new FlowtapeError("FT_USAGE", `ca ${action} takes nothing behind it, found "${stores.join(" ")}"`);
	const warn = (message: string): void => {
		stderr.write(`${message}\n`);
	};
	const { openAuthority } = await import("../src/ca/authority.ts");
	const authority = await openAuthority(home, { create: action !== "show" && action !== "untrust", warn, keySize: key_size });
	if (isTrust) {
		const { runTrust } = await import("./ca/trust.ts");
		const { certificateFacts } = await import("../src/ca/trust-stores.ts");
		return runTrust({ action, stores, run, certificate: certificateFacts(authority.certificate, authority.certificateFile) }, { stdout, stderr, env });
	}
	if (action === "export" && format !== "pem") {
		const { exportCertificate } = await import("../src/ca/export.ts");
		stdout.write(await exportCertificate(authority.certificatePem, format as CertificateFormat));
	} else stdout.write(answer(action, authority));
	return 0;
}

function isAction(action: string): action is CaAction {
	return Object.hasOwn(caActions, action);
}

function answer(action: Exclude<CaAction, "trust" | "untrust">, authority: CertificateAuthority): string {
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
