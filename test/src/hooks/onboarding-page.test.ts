// The HTML of the onboarding page.
import t from "tap";
import { onboardingPage } from "../../../src/hooks/onboarding-page.ts";

t.test("contents", async (t) => {
	const page = onboardingPage({
		certificate: async () => Buffer.alloc(0),
		fingerprint: "AA:BB",
		systems: [{ title: 'Odd & <Old> "OS"', commands: ["sudo trust flowtape-ca.pem", "reboot"] }],
	});
	for (const format of ["pem", "der", "p12"]) t.match(page, `href="/cert/${format}"`);
	t.match(page, "<code>AA:BB</code>");
	t.match(page, "<h3>Odd &amp; &lt;Old&gt; &quot;OS&quot;</h3>\n<pre>sudo trust flowtape-ca.pem\nreboot</pre>");
	for (const title of ["Firefox", "iPhone and iPad", "Android"]) t.match(page, `<h3>${title}</h3>`);
	t.notMatch(page, /https?:\/\//, "it needs nothing from elsewhere");
});
