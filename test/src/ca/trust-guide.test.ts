// The authority's part of the onboarding page.
import { join } from "node:path";
import t from "tap";
import { openAuthority } from "../../../src/ca/authority.ts";
import { createTrustGuide } from "../../../src/ca/trust-guide.ts";

t.test("certificate, fingerprint, and commands for the downloaded file", async (t) => {
	const authority = await openAuthority(join(t.testdir(), "home"));
	const guide = createTrustGuide(authority);
	t.equal(guide.fingerprint, authority.certificate.fingerprint256);
	t.equal((await guide.certificate("pem")).toString(), authority.certificatePem);
	const titles = guide.systems.map(({ title }) => title).join();
	for (const system of ["Debian", "Fedora", "Alpine", "macOS", "Windows", "Chrome", "Java"]) t.match(titles, system);
	for (const { commands } of guide.systems) t.match(commands.join("\n"), /\bflowtape-ca\.pem\b/);
});
