// `flowtape ca` creates, shows and exports the authority, and installs it in trust stores.
import { X509Certificate } from "node:crypto";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type CaOptions, command, runCa } from "../../commands/ca.ts";
import { captureIo, runCaptured } from "../../fixtures/run-captured.ts";

async function run(
	home: string,
	action: string,
	given: Partial<CaOptions> = {},
): Promise<{ status: number; out: string; err: string }> {
	const { io, captured } = captureIo();
	captured.status = await runCa(action, { home, ...io }, given);
	return captured;
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

t.test("export creates the authority if there is none, and prints only the certificate", async (t) => {
	const home = join(t.testdir(), "home");
	const { out } = await run(home, "export");
	t.equal(new X509Certificate(out).ca, true);
	t.notMatch(out, "PRIVATE");
	chmodSync(join(home, "flowtape-ca.pem"), 0o644);
	t.match((await run(home, "export")).err, /others can read the key/);
});

t.test("other actions are usage errors", async (t) => {
	await t.rejects(run(t.testdir(), "burn"), {
		code: "FT_USAGE",
		message: /create, export, path, show, trust, untrust, found "burn"/,
	});
});

t.test("other formats of the certificate, and larger keys", async (t) => {
	const home = join(t.testdir(), "home");
	await run(home, "create", { key_size: 3072 });
	const certificate = new X509Certificate(readFileSync(join(home, "flowtape-ca-cert.pem")));
	t.equal(certificate.publicKey.asymmetricKeyDetails?.modulusLength, 3072);
	const written: Uint8Array[] = [];
	const stdout = { write: (bytes: string | Uint8Array) => written.push(Buffer.from(bytes as Uint8Array)) };
	for (const format of ["der", "p12"] as const) {
		await runCa("export", { home, stdout, stderr: stdout }, { format });
		t.equal(Buffer.from(written.pop() ?? []).includes(certificate.raw), true, format);
	}
});

t.test("trust and untrust; only these accept stores", async (t) => {
	const home = join(t.testdir(), "home");
	const env = { FLOWTAPE_HOME: home, HOME: home };
	t.match(await runCaptured(command, ["untrust", "java"], { env }), {
		status: 4,
		err: /there is no certificate authority in/,
	});
	const { status, out, err } = await runCaptured(command, ["trust", "rhel"], { env });
	t.equal(status, 0);
	t.match(out, `${home}/flowtape-ca-cert.pem /etc/pki/ca-trust/source/anchors/flowtape-ca.pem\n`);
	t.match(err, "add --run to run them");
	t.match((await runCaptured(command, ["untrust", "windows"], { env })).out, "certutil -delstore");
	t.match(await runCaptured(command, ["path", "java"], { env }), {
		status: 2,
		err: 'ca path: expected no arguments, found "java"',
	});
});
