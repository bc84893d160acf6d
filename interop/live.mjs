// Compares flowtape and mitmdump live, with the same options and the same requests. Both must agree on what the origin
// receives, on what the client gets, and on the recording. The tables in interop/live name the deliberate differences
// with their reasons. Arguments select groups by name. Ends with `N passed, N failed`.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { discard } from "../fixtures/make/discard.mjs";
import { judge, playGroup } from "./live/compare.mjs";
import { startSide } from "./live/sides.mjs";
import { groups, writeFiles } from "./live/tables/index.mjs";
import { findMitmproxy } from "./peers/mitmproxy.mjs";
import { check, reportTally } from "./peers/tally.mjs";

/** Number of groups that run at the same time: one starts while another runs. */
const LANES = 2;

function makeCertificates(folder) {
	const openssl = (...args) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
	const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
	openssl("req", "-x509", ...key, "-subj", "/CN=test authority", "-keyout", "ca-key.pem", "-out", "ca.pem");
	const signed = (name, subject, names) => {
		const extension = ["-addext", `subjectAltName=${names}`, "-addext", "basicConstraints=critical,CA:FALSE"];
		const files = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-keyout", `${name}-key.pem`, "-out", `${name}.pem`];
		openssl("req", "-x509", ...key, "-subj", subject, ...extension, ...files);
	};
	signed("origin", "/CN=localhost/O=The Origin", "DNS:localhost,DNS:other.example,IP:127.0.0.1");
	signed("client", "/CN=a client", "DNS:client.example");
	signed("own", "/CN=own.example", "DNS:localhost,DNS:own.example");
}

const python = findMitmproxy();
if (python !== null) {
	const folder = mkdtempSync(join(tmpdir(), "flowtape-live-"));
	try {
		makeCertificates(folder);
		const read = (name) => readFileSync(join(folder, name));
		const place = {
			python,
			folder,
			mitmHome: join(folder, "mitm"),
			scripts: join(import.meta.dirname, "live/scripts"),
			files: { dir: folder },
			tls: { key: read("origin-key.pem"), cert: read("origin.pem") },
			authority: read("ca.pem"),
			env: { ...process.env, FLOWTAPE_HOME: join(folder, "home"), NO_COLOR: "1" },
		};
		mkdirSync(place.mitmHome);
		await writeFiles(folder);
		const chosen = groups.filter(
			({ name }) => process.argv.length < 3 || process.argv.slice(2).some((part) => name.includes(part)),
		);
		const play = async (group) => {
			const sides = [];
			try {
				for (const program of ["flowtape", "mitmdump"]) sides.push(await startSide(program, group, place));
				for (const result of await playGroup(sides, group))
					await check(`${group.name}: ${result.row.name}`, () => judge(group, result));
			} catch (error) {
				await check(group.name, () => Promise.reject(error));
			} finally {
				for (const side of sides) await side.stop();
			}
		};
		const lane = async () => {
			for (let group = chosen.shift(); group !== undefined; group = chosen.shift()) await play(group);
		};
		// the first group creates the authorities of both programs
		for (const group of chosen.splice(0, 1)) await play(group);
		await Promise.all(Array.from({ length: LANES }, lane));
	} finally {
		await discard(folder);
	}
}
reportTally();
