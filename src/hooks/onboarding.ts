// A page that only clients of the proxy can see: it gives them the authority's certificate, and says what to do with it on each system.
import type { OptionTable, OptionValues } from "../options.ts";
import { clock, type HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";
import { makeResponse } from "./make-response.ts";
import { onboardingPage } from "./onboarding-page.ts";

export const options = {
	onboarding: { type: "boolean", default: true, help: "Show clients of the proxy a page with its certificate at http://flowtape.invalid/." },
	onboarding_host: { type: "string", default: "flowtape.invalid", metavar: "HOST", help: "The host of that page." },
} as const satisfies OptionTable;

const NAME = "onboarding";

/** Media types by the form of the certificate. Phones offer to install what comes so. */
const MEDIA_TYPES = { pem: "application/x-x509-ca-cert", der: "application/x-x509-ca-cert", p12: "application/x-pkcs12" } as const;

/** null: it is off, or there is no certificate to show. */
export function createOnboarding(values: OptionValues<typeof options>, { guide, now = clock }: HookContext): Hook | null {
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
			else if (format === undefined) answer(404, "text/plain; charset=utf-8", Buffer.from(`there is http://${host}/ and nothing else here\n`));
			else {
				const disposition = `attachment; filename="flowtape-ca.${format === "der" ? "cer" : format}"`;
				return guide.certificate(format).then((body) => answer(200, MEDIA_TYPES[format], body, ["Content-Disposition", disposition]));
			}
		},
	};
}
