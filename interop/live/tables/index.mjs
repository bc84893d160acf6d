// All scenarios, in groups with the same options of the two proxies.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { accessGroups } from "./access.mjs";
import { interim, messages } from "./messages.mjs";
import { replayGroups, writeRecording } from "./replay.mjs";
import { MAPPED_FILES } from "./rows.mjs";
import { ruleGroups } from "./rules.mjs";
import { scriptGroups } from "./scripts.mjs";
import { transportGroups } from "./transport.mjs";

/** Writes the files that options name. */
export async function writeFiles(folder) {
	const site = join(folder, "site");
	mkdirSync(join(site, "sub"), { recursive: true });
	for (const name of [
		...MAPPED_FILES,
		"index.html",
		"with blank.txt",
		"café.txt",
		"a_b.txt",
		"sub/index.html",
		"sub/inner.txt",
	])
		writeFileSync(join(site, name), `this is ${name}`);
	writeFileSync(join(site, "hello.txt"), "hello file");
	writeFileSync(join(folder, "body.txt"), "from a file");
	for (const name of ["client", "own"])
		writeFileSync(
			join(folder, `${name}-both.pem`),
			[`${name}-key.pem`, `${name}.pem`].map((file) => readFileSync(join(folder, file))).join(""),
		);
	await writeRecording(join(folder, "recorded.mitm"));
	// the password is `secret`, hashed with SHA-1 as by `htpasswd -s`
	writeFileSync(join(folder, "htpasswd"), "# users\nuser:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
}

const ofTheConnection = [
	[
		/\.request\.authority$/,
		"the absolute form of requests to an upstream proxy is a property of the connection, not of the flow",
	],
];

export const groups = [
	{ name: "regular http", rows: [...messages, ...interim] },
	{ name: "regular https", isTls: true, rows: messages },
	{ name: "reverse http", mode: "reverse:http://localhost:{port}", rows: messages },
	{ name: "reverse https", mode: "reverse:https://localhost:{tls}", isTls: true, rows: messages },
	{ name: "upstream http", mode: "upstream:http://localhost:{port}", aside: ofTheConnection, rows: messages },
	{ name: "upstream https", mode: "upstream:http://localhost:{port}", isTls: true, rows: messages },
	{ name: "socks5 http", mode: "socks5", rows: messages },
	{ name: "socks5 https", mode: "socks5", isTls: true, rows: messages },
	...ruleGroups,
	...accessGroups,
	...transportGroups,
	...scriptGroups,
	...replayGroups,
];
