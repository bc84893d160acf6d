// Trust stores, and their commands.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import t from "tap";
import { openAuthority } from "../../../src/ca/authority.ts";
import {
	certificateInfo,
	findTrustStores,
	type Machine,
	shellText,
	trustStores,
} from "../../../src/ca/trust-stores.ts";
import { hasProgram } from "../../../src/programs.ts";

const authority = await openAuthority(join(t.testdir(), "home"));
const facts = certificateInfo(authority.certificate, authority.certificateFile);
const certificate = { file: "/my files/ca.pem", name: 'flowtape CA "1"', sha1: "AB12" };

t.test("commands", async (t) => {
	const shown = (name: string, action: "trust" | "untrust") =>
		trustStores
			.find((store) => store.name === name)
			?.[action](certificate)
			.map((command) => shellText(command)) ?? [];
	t.strictSame(shown("debian", "trust"), [
		'sudo install -m 644 "/my files/ca.pem" /usr/local/share/ca-certificates/flowtape-ca.crt',
		"sudo update-ca-certificates",
	]);
	t.match(shown("rhel", "untrust"), [
		"sudo rm -f /etc/pki/ca-trust/source/anchors/flowtape-ca.pem",
		"sudo update-ca-trust extract",
	]);
	t.match(shown("macos", "untrust"), ["sudo security delete-certificate -Z AB12 /Library/Keychains/System.keychain"]);
	t.match(shown("windows", "trust"), ['certutil -addstore -user Root "/my files/ca.pem"']);
	t.match(shown("nss", "trust"), [
		'certutil -A -d sql:$HOME/.pki/nssdb -t C,, -n "flowtape CA \\"1\\"" -i "/my files/ca.pem"',
	]);
	t.match(shown("java", "untrust"), ["sudo keytool -delete -cacerts -storepass changeit -alias flowtape-ca-1-"]);
	for (const { name } of trustStores) {
		t.not(shown(name, "trust").length, 0, name);
		t.not(shown(name, "untrust").length, 0, name);
	}
	t.equal(shellText({ argv: ["rm", "x"], asRoot: true }, ""), "rm x");
	t.equal(
		shellText({ argv: ["rm", "$(id)/a", "$HOME/a b", "=ls"], asRoot: false }),
		'rm "\\$(id)/a" "$HOME/a b" "=ls"',
	);
	t.match(facts, { name: /^flowtape CA [0-9a-f]{8}$/, sha1: /^[0-9A-F]{40}$/, file: authority.certificateFile });
});

t.test("the stores of a machine", async (t) => {
	const folder = t.testdir({
		bin: { "update-ca-trust": "", keytool: "", certutil: "" },
		home: {
			".mozilla": { firefox: { "abc.default": { "cert9.db": "" }, "profiles.ini": "" } },
			Library: { "Application Support": { Firefox: { Profiles: { p1: { "cert9.db": "" } } } } },
		},
		data: { Mozilla: { Firefox: { Profiles: { p2: { "cert9.db": "" } } } } },
	});
	const machine = (platform: NodeJS.Platform, PATH = ""): Machine => ({
		platform,
		env: { PATH, APPDATA: join(folder, "data") },
		home: join(folder, "home"),
	});
	const found = (of: Machine) =>
		findTrustStores(of).map(({ name, title }) => (name === "nss" ? title.replace(folder, "") : name));
	const linux = found(machine("linux", join(folder, "bin")));
	for (const store of ["rhel", "java", "Chrome and Chromium", "Firefox, /home/.mozilla/firefox/abc.default"])
		t.ok(linux.includes(store), `${store} in ${linux.join()}`);
	t.notOk(linux.includes("macos"));
	t.strictSame(found(machine("darwin", "")).slice(-2), [
		"macos",
		"Firefox, /home/Library/Application Support/Firefox/Profiles/p1",
	]);
	t.strictSame(found(machine("win32", "")), ["windows", "Firefox, /data/Mozilla/Firefox/Profiles/p2"]);
	t.strictSame(found({ platform: "win32", env: {}, home: "/nowhere" }), ["windows"]);
});

t.test(
	"NSS: a database is created, trusts the authority, and no longer does",
	{ skip: !hasProgram("certutil", process.env) || process.platform !== "linux" },
	async (t) => {
		const home = t.testdir();
		const store = () =>
			findTrustStores({ platform: "linux", env: process.env, home }).find(({ name }) => name === "nss");
		const run = (action: "trust" | "untrust") => {
			for (const { argv } of store()?.[action](facts) ?? []) execFileSync(argv[0] as string, argv.slice(1));
		};
		const list = () => execFileSync("certutil", ["-L", "-d", `sql:${home}/.pki/nssdb`]).toString();
		t.strictSame(store()?.untrust(facts), [], "there is nothing to take away");
		run("trust");
		t.match(list(), new RegExp(`${facts.name} +C,,`));
		run("trust");
		run("untrust");
		t.notMatch(list(), facts.name);
	},
);

t.test(
	"Java: keytool accepts the commands",
	{ skip: !hasProgram("keytool", process.env) && "there is no keytool here" },
	async (t) => {
		const keystore = join(t.testdir(), "cacerts");
		const run = (action: "trust" | "untrust") => {
			const java = trustStores.find(({ name }) => name === "java");
			for (const { argv } of java?.[action](facts) ?? []) {
				execFileSync(
					argv[0] as string,
					argv.slice(1).flatMap((word) => (word === "-cacerts" ? ["-keystore", keystore] : [word])),
					{ stdio: "ignore" },
				);
			}
		};
		const list = () =>
			execFileSync("keytool", ["-list", "-keystore", keystore, "-storepass", "changeit"], {
				stdio: ["ignore", "pipe", "ignore"],
			}).toString();
		run("trust");
		t.match(list(), "trustedCertEntry");
		run("untrust");
		t.notMatch(list(), "trustedCertEntry");
	},
);
