// The authority's files: created once, even by concurrent processes, private, and checked.
import { execFile } from "node:child_process";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import { createAuthority } from "../../../src/ca/create.ts";
import { certificatePem as pem } from "../../../src/ca/der.ts";
import { homeFolder, readAuthority, readIfThere, replaceFile } from "../../../src/ca/files.ts";
import { mintLeaf } from "../../../src/ca/leaf.ts";

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

t.test("the home folder", async (t) => {
	t.equal(homeFolder({ FLOWTAPE_HOME: "/a/b", HOME: "/h" }), "/a/b");
	t.equal(homeFolder({ FLOWTAPE_HOME: "rel", HOME: "/h" }), resolve("rel"));
	t.equal(homeFolder({ FLOWTAPE_HOME: "~/x", HOME: "/h" }), "/h/x");
	t.equal(homeFolder({ FLOWTAPE_HOME: "~", HOME: "/h" }), "/h");
	t.equal(homeFolder({ HOME: "/h" }), "/h/.config/flowtape");
	t.equal(homeFolder({ HOME: "/h", XDG_CONFIG_HOME: "/x" }), "/x/flowtape");
	t.equal(
		homeFolder({ HOME: "/h", XDG_CONFIG_HOME: "relative" }),
		"/h/.config/flowtape",
		"the XDG specification has relative paths ignored",
	);
	t.equal(homeFolder({ FLOWTAPE_HOME: "" }), join(homedir(), ".config", "flowtape"));
});

t.test("it is created if there is none, and then stays the same", async (t) => {
	const folder = join(t.testdir(), "deep", "home");
	const first = await readAuthority(folder);
	t.same(readdirSync(folder).sort(), ["flowtape-ca-cert.pem", "flowtape-ca.pem"]);
	t.equal(mode(folder), "700");
	t.equal(mode(join(folder, "flowtape-ca.pem")), "600");
	t.equal(mode(first.certificateFile), (0o644 & ~process.umask()).toString(8));
	t.equal(readFileSync(first.certificateFile, "utf8"), first.certificate.toString());
	t.notOk(readFileSync(first.certificateFile, "utf8").includes("PRIVATE"));
	const again = await readAuthority(folder, { create: false });
	t.equal(again.certificate.fingerprint256, first.certificate.fingerprint256);
	t.ok(again.certificate.checkPrivateKey(again.key));

	rmSync(first.certificateFile);
	await readAuthority(folder);
	t.ok(existsSync(first.certificateFile), "the certificate alone is written again");
});

t.test("it warns if the clock shows a time before its validity", async (t) => {
	const folder = join(t.testdir(), "home");
	const warnings: string[] = [];
	const warn = (message: string): void => void warnings.push(message);
	await readAuthority(folder, { validFrom: new Date(Date.now() + 3_600_000), warn });
	t.match(warnings, [/flowtape-ca\.pem: the certificate is not valid before .*, but the clock shows /]);
	await readAuthority(join(folder, "other"), { warn });
	t.equal(warnings.length, 1);
});

t.test("it is not created when it should only be read", async (t) => {
	const folder = join(t.testdir(), "home");
	await t.rejects(readAuthority(folder, { create: false }), {
		code: "FT_CA",
		message: /no certificate authority in .*flowtape ca create/,
	});
	t.notOk(existsSync(folder));
});

t.test("concurrent starts end up with the same authority", async (t) => {
	const folder = join(t.testdir(), "home");
	const here = await Promise.all(Array.from({ length: 4 }, () => readAuthority(folder)));
	const module = new URL("../../../src/ca/files.js", import.meta.url).href;
	t.equal(new Set(here.map(({ certificate }) => certificate.fingerprint256)).size, 1);

	const shared = join(t.testdir(), "shared");
	const script = `import(${JSON.stringify(module)}).then(async (m) => console.log((await m.readAuthority(process.argv[1])).certificate.fingerprint256))`;
	const run = async (): Promise<string> => (await promisify(execFile)(process.execPath, ["-e", script, shared])).stdout;
	t.equal(new Set(await Promise.all([run(), run(), run()])).size, 1);
	t.same(readdirSync(shared).sort(), ["flowtape-ca-cert.pem", "flowtape-ca.pem"], "nothing is left behind");
});

t.test("a key that others can read is made private", async (t) => {
	const folder = join(t.testdir(), "home");
	await readAuthority(folder);
	const file = join(folder, "flowtape-ca.pem");
	chmodSync(file, 0o644);
	const warnings: string[] = [];
	await readAuthority(folder, { warn: (message) => warnings.push(message) });
	t.match(warnings, [/others can read the key .*644/]);
	t.equal(mode(file), "600");
	await readAuthority(folder, { warn: (message) => warnings.push(message) });
	t.equal(warnings.length, 1);
	chmodSync(file, 0o640);
	await readAuthority(folder);
	t.equal(mode(file), "600", "with nobody to warn as well");
});

t.test("errors for invalid files give advice", async (t) => {
	const { keyPem, certificatePem } = await createAuthority();
	const other = await createAuthority();
	const expired = await createAuthority(new Date("2001-01-01"));
	const { privateKey } = generateKeyPairSync("ed25519");
	const leafKey = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const leaf = mintLeaf(
		{
			key: createPrivateKey(keyPem),
			subject: Buffer.from("3000", "hex"),
			keyIdentifier: null,
			validTo: new Date("2099-01-01"),
		},
		{
			names: ["a.example"],
			organization: null,
			publicKey: leafKey.publicKey.export({ type: "spki", format: "der" }),
		},
	);
	const cases: [content: string, message: RegExp][] = [
		["", /damaged or holds something else/],
		["no PEM at all", /damaged or holds something else/],
		[certificatePem, /damaged or holds something else/],
		[keyPem, /damaged or holds something else/],
		[keyPem + certificatePem.slice(0, 400), /damaged or holds something else/],
		[other.keyPem + certificatePem, /does not belong/],
		[privateKey.export({ type: "pkcs8", format: "pem" }) + certificatePem, /does not belong/],
		[expired.keyPem + expired.certificatePem, /expired on Jan {2}1 00:00:00 2011 GMT/],
		[leafKey.privateKey.export({ type: "pkcs8", format: "pem" }) + pem(leaf), /not that of an authority/],
	];
	for (const [content, message] of cases) {
		const folder = t.testdir({ "flowtape-ca.pem": content });
		const file = join(folder, "flowtape-ca.pem");
		chmodSync(file, 0o600);
		await t.rejects(readAuthority(folder), { code: "FT_CA", status: 4, file, message }, String(message));
		await t.rejects(readAuthority(folder), { message: new RegExp(`remove ${file}`) });
		t.equal(readFileSync(file, "utf8"), content, "and left as it was");
	}
});

t.test("an error names an impossible folder", async (t) => {
	const folder = join(t.testdir({ file: "" }), "file", "home");
	await t.rejects(readAuthority(folder), {
		code: "FT_CA",
		message: /file\/home cannot be read or written: .*FLOWTAPE_HOME/,
	});
});

t.test("files are replaced atomically", async (t) => {
	const folder = t.testdir({ taken: { inside: "" } });
	const file = join(folder, "file");
	t.equal(await readIfThere(file), undefined);
	await replaceFile(file, "one", 0o644);
	await replaceFile(file, "two", 0o600);
	t.equal(await readIfThere(file), "two");
	t.equal(mode(file), "600");
	await t.rejects(replaceFile(join(folder, "taken"), "three", 0o600), { code: "EISDIR" });
	t.same(readdirSync(folder).sort(), ["file", "taken"]);
	writeFileSync(file, "three");
	t.equal(await readIfThere(file), "three");
});
