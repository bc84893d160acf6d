// The CA bundle for child commands: the authorities that the child trusted before, and ours, in PEM and for Java.
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import { createAuthority } from "../../../src/ca/create.ts";
import { writeTrustBundle } from "../../../src/ca/trust-bundle.ts";

const [ours = "", theirs = "", others = ""] = (await Promise.all([1, 2, 3].map(() => createAuthority()))).map(
	({ certificatePem }) => certificatePem,
);

function fingerprints(file: string): string[] {
	const blocks = readFileSync(file, "utf8").split(/(?<=-----END CERTIFICATE-----\n)/);
	return blocks.map((pem) => new X509Certificate(pem).fingerprint256);
}

const fingerprint = (pem: string): string => new X509Certificate(pem).fingerprint256;

t.test("the system's authorities and ours", async (t) => {
	const folder = join(t.testdir(), "home");
	const { pemFile, javaFile, phpFolder } = writeTrustBundle(folder, ours, {});
	t.equal(pemFile, join(folder, "trust-bundle.pem"));
	const all = fingerprints(pemFile);
	t.ok(all.length > 50, "the machine's or Node's own");
	t.equal(new Set(all).size, all.length, "each once");
	t.equal(all.at(-1), fingerprint(ours));
	t.equal(statSync(pemFile).mode & 0o777, 0o644 & ~process.umask());
	t.same(readdirSync(folder).sort(), ["php", "trust-bundle.jks", "trust-bundle.pem"]);
	t.equal(
		readFileSync(join(phpFolder, "flowtape.ini"), "utf8"),
		`curl.cainfo = "${pemFile}"\nopenssl.cafile = "${pemFile}"\n`,
	);
	t.equal(readFileSync(javaFile).readUInt32BE(8), all.length);
});

t.test("includes the bundles that the user's variables name, without keys and comments", async (t) => {
	const key = "-----BEGIN PRIVATE KEY-----\nMIIBVgIBADANBgkqhkiG9w0BAQ==\n-----END PRIVATE KEY-----\n";
	const folder = t.testdir({
		"a.pem": `# mine\r\n${theirs.replaceAll("\n", "\r\n")}${key}`,
		"b.pem": theirs + others,
		home: {},
	});
	const env = {
		SSL_CERT_FILE: join(folder, "a.pem"),
		NODE_EXTRA_CA_CERTS: join(folder, "b.pem"),
		PIP_CERT: join(folder, "none.pem"),
		CURL_CA_BUNDLE: folder,
	};
	const { pemFile } = writeTrustBundle(join(folder, "home"), ours, env);
	t.notMatch(readFileSync(pemFile, "utf8"), /mine|PRIVATE|\r/);
	const all = fingerprints(pemFile);
	for (const pem of [ours, theirs, others]) t.equal(all.filter((each) => each === fingerprint(pem)).length, 1);
	const other = writeTrustBundle(join(folder, "home"), ours, {});
	t.not(other.pemFile, pemFile, "children of different environments do not disturb each other");
	t.notOk(fingerprints(other.pemFile).includes(fingerprint(theirs)));
});

t.test("it is written again only if its sources have changed", async (t) => {
	const folder = t.testdir({ "a.pem": theirs });
	const env = { SSL_CERT_FILE: join(folder, "a.pem") };
	const { pemFile, javaFile } = writeTrustBundle(folder, ours, env);
	const long = new Date("2001-01-01");
	for (const file of [pemFile, javaFile]) utimesSync(file, long, long);
	writeTrustBundle(folder, ours, env);
	for (const file of [pemFile, javaFile]) t.same(statSync(file).mtime, long);
	writeFileSync(join(folder, "a.pem"), others);
	writeTrustBundle(folder, ours, env);
	t.ok(fingerprints(pemFile).includes(fingerprint(others)));
	t.notOk(fingerprints(pemFile).includes(fingerprint(theirs)));
	t.not(statSync(javaFile).mtime.getTime(), long.getTime());
});

t.test("Java reads the key store, if it is installed", async (t) => {
	const { javaFile, pemFile } = writeTrustBundle(t.testdir(), ours, {});
	const store = readFileSync(javaFile);
	t.equal(store.readUInt32BE(0), 0xfeedfeed);
	t.ok(store.includes(new X509Certificate(ours).raw));
	try {
		const args = [
			"-J-Duser.language=en",
			"-list",
			"-keystore",
			javaFile,
			"-storepass",
			"changeit",
			"-storetype",
			"JKS",
		];
		const { stdout } = await promisify(execFile)("keytool", args, { maxBuffer: 1e7 });
		t.match(stdout, `Your keystore contains ${fingerprints(pemFile).length} entries`);
		t.match(stdout, fingerprint(ours));
	} catch (error) {
		if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
		t.comment("keytool is not installed");
	}
});

t.test("a folder that cannot be written is an error", async (t) => {
	const folder = join(t.testdir({ file: "" }), "file", "home");
	t.throws(() => writeTrustBundle(folder, ours, {}), {
		code: "FT_CA",
		message: /CA bundle for child commands cannot be written: /,
	});
});
