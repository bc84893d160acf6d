// `flowtape ca trust`: the commands that are shown, run, or fail.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { runTrust, type TrustJob } from "../../../commands/ca/trust.ts";
import { captureIo } from "../../../fixtures/run-captured.ts";
import { openAuthority } from "../../../src/ca/authority.ts";
import { certificateInfo } from "../../../src/ca/trust-stores.ts";
import { hasProgram } from "../../../src/programs.ts";

const authority = await openAuthority(join(t.testdir(), "home"));
const certificate = certificateInfo(authority.certificate, authority.certificateFile);

async function run(env: NodeJS.ProcessEnv, job: Partial<TrustJob> = {}) {
	const { io, captured } = captureIo({ env });
	captured.status = await runTrust({ action: "trust", stores: [], run: false, certificate, ...job }, io);
	return captured;
}

const isRoot = process.getuid?.() === 0;
const onLinux = { skip: process.platform !== "linux" && "these are the trust stores of Linux" };

t.test("commands are shown for the stores of this machine, or for named ones", onLinux, async (t) => {
	const folder = t.testdir({ bin: { keytool: "" } });
	const env = { HOME: folder, PATH: join(folder, "bin") };
	const all = await run(env);
	t.equal(all.status, 0);
	t.match(all.out, `# Java\n${isRoot ? "" : "sudo "}keytool -importcert`);
	const { out, err } = await run(env, { stores: ["macos", "java"], action: "untrust" });
	t.match(out, /^# macOS\n.*security delete-certificate .*\n# Java\n.*keytool -delete .*\n$/);
	t.match(err, "these commands untrust the authority; add --run to run them");
	await t.rejects(run(env, { stores: ["solaris"] }), {
		code: "FT_USAGE",
		message: /expected a trust store: debian, rhel.*found "solaris"/,
	});
	await t.rejects(run(env, { stores: ["windows"], run: true }), {
		code: "FT_USAGE",
		message: /expected a trust store of this machine: .*java.*found "windows"/,
	});
});

const hasStore = hasProgram("update-ca-certificates", {}) || hasProgram("update-ca-trust", {});

t.test(
	"no trust store on this machine",
	{ skip: onLinux.skip || (hasStore && "this machine has a store that everybody sees") },
	async (t) => {
		t.match(await run({ HOME: t.testdir(), PATH: "/nowhere" }), {
			status: 1,
			out: "",
			err: /no trust store was found on this machine/,
		});
	},
);

t.test(
	"commands are run, as administrator if needed; the first failure ends those of its store",
	onLinux,
	async (t) => {
		const script = (name: string, status: number) => `#!/bin/sh\necho "${name} $*" >> "$HOME/log"\nexit ${status}\n`;
		const folder = t.testdir({
			bin: {
				keytool: script("keytool", 3),
				sudo: '#!/bin/sh\nexec "$@"\n',
				certutil: script("certutil", 0),
				mkdir: "#!/bin/sh\nexit 0\n",
			},
		});
		for (const name of ["keytool", "sudo", "certutil", "mkdir"]) chmodSync(join(folder, "bin", name), 0o755);
		const env = { HOME: folder, PATH: `${join(folder, "bin")}:/bin:/usr/bin` };
		const { status, out, err } = await run(env, { stores: ["java", "nss"], run: true });
		t.same({ status, out }, { status: 4, out: "" });
		t.match(
			err,
			/^Java\n {2}.*keytool -importcert .*\n {2}failed with exit status 3\nChrome and Chromium\n {2}mkdir -p .*\n {2}certutil -N .*\n {2}certutil -A .*\n$/,
		);
		t.match(
			readFileSync(join(folder, "log"), "utf8"),
			/^keytool -importcert .*\ncertutil -N .*\ncertutil -A -d sql:.* -n flowtape CA .*\n$/,
		);
	},
);

t.test(
	"a real trust store",
	{ skip: onLinux.skip || (!hasProgram("certutil", process.env) && "certutil is not installed") },
	async (t) => {
		const home = t.testdir();
		const env = { HOME: home, PATH: process.env.PATH };
		const list = () => execFileSync("certutil", ["-L", "-d", `sql:${home}/.pki/nssdb`]).toString();
		t.equal((await run(env, { stores: ["nss"], run: true })).status, 0);
		t.equal(existsSync(join(home, ".pki/nssdb/cert9.db")), true);
		t.match(list(), certificate.name);
		t.equal((await run(env, { stores: ["nss"], run: true, action: "untrust" })).status, 0);
		t.notMatch(list(), certificate.name);
	},
);
