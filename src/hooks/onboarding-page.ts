// The HTML of the onboarding page, without external resources, for every browser.
import type { TrustGuide } from "./context.ts";

/** Manual steps for systems without a command. */
const BY_HAND: readonly (readonly [title: string, steps: readonly string[]])[] = [
	[
		"Firefox",
		[
			"Settings, Privacy & Security, Certificates, View Certificates, Authorities, Import: the PEM file; trust it for websites.",
		],
	],
	[
		"iPhone and iPad",
		[
			"Open the PEM file in Safari and allow the profile; install it in Settings, General, VPN & Device Management.",
			"Settings, General, About, Certificate Trust Settings: switch it on.",
		],
	],
	[
		"Android",
		[
			"Settings, Security, Encryption & credentials, Install a certificate, CA certificate: the DER file. Apps trust it only if they say so.",
		],
	],
	[
		"Windows, by mouse",
		["Open the P12 file, leave the password empty, and choose the store Trusted Root Certification Authorities."],
	],
	["One Node.js process", ["NODE_EXTRA_CA_CERTS=flowtape-ca.pem node …"]],
	["curl", ["curl --cacert flowtape-ca.pem …"]],
];

export function onboardingPage({ fingerprint, systems }: TrustGuide): string {
	const sections = [
		...systems.map(
			({ title, commands }) => `<h3>${escapeHtml(title)}</h3>\n<pre>${escapeHtml(commands.join("\n"))}</pre>`,
		),
		...BY_HAND.map(
			([title, steps]) =>
				`<h3>${escapeHtml(title)}</h3>\n${steps.map((step) => `<p>${escapeHtml(step)}</p>`).join("\n")}`,
		),
	];
	return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>flowtape</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44em; margin: 2em auto; padding: 0 1em; }
pre { background: #8882; padding: .6em 1em; overflow-x: auto; }
a.file { display: inline-block; border: 1px solid; border-radius: .3em; padding: .3em 1em; margin-right: .5em; text-decoration: none; }
code { overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>flowtape</h1>
<p>This client uses the proxy. To let it read HTTPS as well, the client has to trust the proxy's certificate authority.</p>
<p><a class="file" href="/cert/pem">PEM</a><a class="file" href="/cert/der">DER</a><a class="file" href="/cert/p12">P12</a></p>
<p>SHA-256 <code>${escapeHtml(fingerprint)}</code></p>
<p>Trust it only on your own machines, and remove it when you are done: anyone with its key can read their traffic.</p>
<h2>What to do with the file</h2>
${sections.join("\n")}
</body>
</html>
`;
}

function escapeHtml(text: string): string {
	return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
