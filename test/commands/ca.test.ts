// `flowtape ca` makes the authority and tells of it.
import { X509Certificate } from "node:crypto";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { runCa } from "../../commands/ca.ts";

async function run(home: string, action: string): Promise<{ status: number; out: string; err: string }> {
	const result = { status: -1, out: "", err: "" };
	const stdout = { write: (text: string) => (result.out += text) };
	const stderr = { write: (text: string) => (result.err += text) };
	result.status = await runCa(action, { home, stdout, stderr });
	return result;
}

t.test("create, then show, path and export", async (t) => {
	const home = join(t.testdir(), "home");
	const file = join(home, "flowtape-ca-cert.pem");
	await t.rejects(run(home, "show"), { code: "FT_CA", message: /flowtape ca create/ });
	t.notOk(existsSync(home));
	t.same(await run(home, "create"), { status: 0, out: `the certificate of the authority is in ${file}\n`, err: "" });
	const pem = readFileSync(file, "utf8");
	t.same(await run(home, "export"), { status: 0, out: pem, err: "" });
	t.same(await run(home, "path"), { status: 0, out: `${file}\n`, err: "" });
	const { out } = await run(home, "show");
	t.match(out, new X509Certificate(pem).fingerprint256);
	t.match(out, /subject +O=flowtape, CN=flowtape CA /);
	await run(home, "create");
	t.equal(readFileSync(file, "utf8"), pem, "there is one already");
});

t.test("export makes the authority where there is none, and prints the certificate alone", async (t) => {
	const home = join(t.testdir(), "home");
	const { out } = await run(home, "export");
	t.equal(new X509Certificate(out).ca, true);
	t.notMatch(out, "PRIVATE");
	chmodSync(join(home, "flowtape-ca.pem"), 0o644);
	t.match((await run(home, "export")).err, /others can read the key/);
});

t.test("anything else is a mistake in usage", async (t) => {
	await t.rejects(run(t.testdir(), "burn"), { code: "FT_USAGE", message: /"burn".*create, export, path, show/ });
});
