// A page for clients of the proxy with the authority's certificate and instructions for each system.
import { now as clock } from "../clock.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";
import { makeResponse } from "./make-response.ts";
import { onboardingPage } from "./onboarding-page.ts";

export const options = {
	onboarding: {
		type: "boolean",
		default: true,
		help: "Serve a page with the certificate to clients of the proxy, at http://flowtape.invalid/.",
	},
	onboarding_host: { type: "string", default: "flowtape.invalid", metavar: "HOST", help: "The host of that page." },
} as const satisfies OptionTable;

const NAME = "onboarding";

/** Media types of the certificate formats. Phones offer to install files with these types. */
const MEDIA_TYPES = {
	pem: "application/x-x509-ca-cert",
	der: "application/x-x509-ca-cert",
	p12: "application/x-pkcs12",
} as const;

/** null: it is off, or there is no certificate to show. */
export function createOnboarding(
	values: OptionValues<typeof options>,
	{ guide, now = clock }: HookContext,
): Hook | null {
	if (!values.onboarding || guide === undefined) return null;
	const host = values.onboarding_host.toLowerCase();
	return {
		name: NAME,
		host,
		liveOnly: true,
		leavesRequest: true,
		request({ request }, decision) {
			const answer = (status: number, type: string, body: Buffer, ...fields: [string, string][]) =>
				decision.answer(makeResponse(status, [["Content-Type", type], ...fields], body, now()), NAME);
			const path = request.path.replace(/\?.*$/s, "");
			const format = /^\/cert\/(pem|der|p12)$/.exec(path)?.[1] as keyof typeof MEDIA_TYPES | undefined;
			if (path === "/") answer(200, "text/html; charset=utf-8", Buffer.from(onboardingPage(guide)));
			else if (format === undefined)
				answer(404, "text/plain; charset=utf-8", Buffer.from(`not found; the page is at http://${host}/\n`));
			else {
				const disposition = `attachment; filename="flowtape-ca.${format === "der" ? "cer" : format}"`;
				return guide
					.certificate(format)
					.then((body) => answer(200, MEDIA_TYPES[format], body, ["Content-Disposition", disposition]));
			}
		},
	};
}
