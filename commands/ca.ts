// `flowtape ca`: makes the certificate authority and tells of it, for clients that are to trust it.
import { FlowtapeError } from "../src/errors.ts";
import type { CertificateAuthority } from "../src/proxy/ca.ts";
import { defineCommand } from "./command.ts";

export const caActions = {
	create: "make the certificate authority, unless there is one",
	export: "print its certificate in PEM, making it where there is none",
	path: "print the path of its certificate, making it where there is none",
	show: "print its name, validity and fingerprint",
} as const;

export type CaAction = keyof typeof caActions;

export const command = defineCommand({
	name: "ca",
	summary: "make the certificate authority and tell of it",
	args: "create|export|path|show",
	arity: { min: 1, max: 1 },
	options: {},
	examples: [
		["flowtape ca export > ca.pem", "the certificate that clients are to trust"],
		["flowtape ca path", "where it is"],
	],
	async run({ args: [action = ""] }, { stdout, stderr, env }) {
		const { homeFolder } = await import("../src/proxy/ca-files.ts");
		return runCa(action, { home: homeFolder(env), stdout, stderr });
	},
});

/** What the command works with. */
export interface CaIo {
	/** The folder of the authority. */
	home: string;
	stdout: { write(text: string): unknown };
	stderr: { write(text: string): unknown };
}

/** Runs one action and gives its exit status. Throws FT_USAGE for an action that is none, FT_CA for an authority that is not in order. */
export async function runCa(action: string, { home, stdout, stderr }: CaIo): Promise<number> {
	if (!Object.hasOwn(caActions, action)) {
		throw new FlowtapeError("FT_USAGE", `"${action}" is nothing that ca does; it does ${Object.keys(caActions).join(", ")}`);
	}
	const warn = (message: string): void => {
		stderr.write(`${message}\n`);
	};
	const { openAuthority } = await import("../src/proxy/ca.ts");
	const authority = await openAuthority(home, { create: action !== "show", warn });
	stdout.write(answer(action as CaAction, authority));
	return 0;
}

function answer(action: CaAction, authority: CertificateAuthority): string {
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
