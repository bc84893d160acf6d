// Proxy authentication with a real directory, OpenLDAP's slapd, through the live proxy with plain requests, CONNECT and
// SOCKS. Skipped if slapd is not installed.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { discard } from "../fixtures/make/discard.mjs";
import { flowtape } from "./peers/proxies.mjs";
import { expect, reportTally } from "./peers/tally.mjs";

const schema = "/etc/ldap/schema";
const [slapd, slapadd] = ["slapd", "slapadd"].map((name) =>
	["/usr/sbin", "/usr/libexec"].map((folder) => join(folder, name)).find(existsSync),
);

function check(name, found, expected) {
	const [is, should] = [JSON.stringify(found), JSON.stringify(expected)];
	expect(name, is === should, `expected ${should}, found ${is}`);
}

if (slapd === undefined || slapadd === undefined || !existsSync(`${schema}/core.schema`)) {
	console.log("slapd is not installed: skipped\n0 passed, 0 failed");
	process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), "flowtape-ldap-"));
const children = [];

function freePort() {
	return new Promise((resolve) => {
		const server = createTcpServer().listen(0, "127.0.0.1", () => {
			const { port } = server.address();
			server.close(() => resolve(port));
		});
	});
}

/** Starts a directory with an administrator and some users. */
async function startDirectory() {
	const modules = ["/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap"].find(existsSync);
	mkdirSync(join(folder, "data"));
	writeFileSync(
		join(folder, "slapd.conf"),
		[
			...["core", "cosine", "inetorgperson"].map((name) => `include ${schema}/${name}.schema`),
			...(modules === undefined ? [] : [`modulepath ${modules}`, "moduleload back_mdb"]),
			`pidfile "${folder}/pid"`,
			"database mdb",
			"maxsize 10485760",
			'suffix "dc=example"',
			'rootdn "cn=admin,dc=example"',
			"rootpw secret",
			`directory "${folder}/data"`,
			"access to attrs=userPassword by anonymous auth by * none",
			"access to * by dn.exact=cn=reader,dc=example read by * none",
			"",
		].join("\n"),
	);
	const person = (dn, cn, uid, password) =>
		`dn: ${dn}\nobjectClass: inetOrgPerson\ncn: ${cn}\nsn: x\nuid: ${uid}\nuserPassword: ${password}\n`;
	writeFileSync(
		join(folder, "people.ldif"),
		[
			"dn: dc=example\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n",
			person("cn=reader,dc=example", "reader", "reader", "read-only"),
			"dn: ou=people,dc=example\nobjectClass: organizationalUnit\nou: people\n",
			person("cn=Ann Lee,ou=people,dc=example", "Ann Lee", "ann", "pass:word"),
			person("cn=Bo (b*b),ou=people,dc=example", "Bo (b*b)", "bo", "bo's"),
			"dn: ou=robots,dc=example\nobjectClass: organizationalUnit\nou: robots\n",
			person("cn=robot,ou=robots,dc=example", "robot", "robot", "beep"),
		].join("\n"),
	);
	execFileSync(slapadd, ["-f", join(folder, "slapd.conf"), "-l", join(folder, "people.ldif")], { stdio: "pipe" });
	const port = await freePort();
	const child = spawn(slapd, ["-f", join(folder, "slapd.conf"), "-h", `ldap://127.0.0.1:${port}/`, "-d", "0"], {
		stdio: "ignore",
	});
	children.push(child);
	await reachable(port);
	return { port, child };
}

async function reachable(port) {
	for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
		const isThere = await new Promise((resolve) => {
			const socket = connect(port, "127.0.0.1", () => resolve(true));
			socket.on("error", () => resolve(false)).on("connect", () => socket.destroy());
		});
		if (isThere) return;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	throw new Error(`no server listens on port ${port}`);
}

/** Starts a recording proxy. Resolves with its ports, or with its output if it has ended. */
function startProxy(...args) {
	const env = { ...process.env, FLOWTAPE_HOME: join(folder, "home"), NO_COLOR: "1" };
	const child = spawn(process.execPath, [flowtape, "record", join(folder, `${children.length}.tape`), ...args], {
		env,
		stdio: ["ignore", "ignore", "pipe"],
	});
	children.push(child);
	let said = "";
	return new Promise((resolve) => {
		child.stderr.setEncoding("utf8").on("data", (text) => {
			said += text;
			const ports = [...said.matchAll(/listening on http:\/\/[^:]+:(\d+)/g)].map((match) => Number(match[1]));
			if (ports.length === 2) resolve({ ports });
		});
		child.once("exit", (status) => resolve({ status, said }));
	});
}

/** Sends bytes and resolves to the first bytes of the answer. */
function exchange(port, ...pieces) {
	return new Promise((resolve, reject) => {
		let answer = "";
		const socket = connect(port, "127.0.0.1", () => socket.write(pieces.shift(), "latin1"));
		socket.setEncoding("latin1").on("data", (text) => {
			answer += text;
			if (pieces.length > 0) socket.write(pieces.shift(), "latin1");
			else socket.destroy();
		});
		socket.on("close", () => resolve(answer)).on("error", reject);
	});
}

try {
	const origin = createServer((_request, response) => response.end("hi")).listen(0, "127.0.0.1");
	await new Promise((resolve) => origin.once("listening", resolve));
	const host = `127.0.0.1:${origin.address().port}`;
	const { port, child } = await startDirectory();
	const spec = (key, password = "read-only") =>
		`ldap:127.0.0.1:${port}:cn=reader,dc=example:${password}:ou=people,dc=example${key}`;

	const wrong = await startProxy("--proxyauth", spec("", "wrong"), "-p", "0");
	check(
		"an administrator with a wrong password",
		[wrong.status, /rejected the bind as cn=reader,dc=example/.test(wrong.said ?? "")],
		[4, true],
	);

	const modes = ["-m", "regular@0", "-m", "socks5@0"];
	for (const [key, users] of [
		[
			"",
			[
				["Ann Lee", "pass:word"],
				["Bo (b*b)", "bo's"],
			],
		],
		["?search_filter_key=uid", [["ann", "pass:word"]]],
	]) {
		const { ports = [] } = await startProxy("--proxyauth", spec(key), ...modes);
		const [http, socks] = ports;
		const basic = (user, password) =>
			`Proxy-Authorization: Basic ${Buffer.from(`${user}:${password}`).toString("base64")}\r\n`;
		const get = async (field) =>
			Number((await exchange(http, `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n${field}\r\n`)).slice(9, 12));
		const tunnel = async (field) =>
			Number((await exchange(http, `CONNECT ${host} HTTP/1.1\r\n${field}\r\n`)).slice(9, 12));
		const login = async (user, password) => {
			const message = `\x01${String.fromCharCode(user.length)}${user}${String.fromCharCode(password.length)}${password}`;
			return (await exchange(socks, "\x05\x01\x02", message)).charCodeAt(3);
		};
		for (const [user, password] of users) {
			check(
				`${key} ${user}`,
				[await get(basic(user, password)), await tunnel(basic(user, password)), await login(user, password)],
				[200, 200, 0],
			);
			check(
				`${key} ${user}, a wrong password`,
				[await get(basic(user, "no")), await tunnel(basic(user, "no")), await login(user, "no")],
				[407, 407, 1],
			);
			check(`${key} ${user}, no password`, [await get(basic(user, "")), await login(user, "")], [407, 1]);
		}
		check(`${key} a user outside of the subtree`, await get(basic("robot", "beep")), 407);
		check(
			`${key} a name that is a pattern`,
			[await get(basic("*", "pass:word")), await get(basic("Ann Lee)(cn=*", "pass:word"))],
			[407, 407],
		);
		check(`${key} no credentials`, await get(""), 407);
		if (key !== "") {
			child.kill();
			await new Promise((resolve) => child.once("exit", resolve));
			check("logins are rejected if the directory does not answer", await get(basic("ann", "pass:word")), 407);
		}
	}
	origin.close();
} finally {
	for (const child of children) child.kill();
	await discard(folder);
}
reportTally();
process.exit();
